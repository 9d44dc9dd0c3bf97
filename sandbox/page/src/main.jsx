// The page of the workspace: joins the parts.
import "slack-blocks-to-jsx/dist/style.css";
import "./style.css";
import { useEffect } from "react";
import { createRoot } from "react-dom/client";
import { Channel, Thread } from "./conversation.jsx";
import { connect } from "./feed.js";
import { Sidebar, TopBar } from "./frame.jsx";
import { Inspector } from "./inspector.jsx";
import { change, useStore } from "./store.js";
import { useThemeOnPage } from "./theme.js";
import { Announcer, Toasts } from "./toasts.jsx";
import { Home, Modal } from "./views.jsx";

function Page() {
  useThemeOnPage();
  const ready = useStore((s) => s.workspace !== null);
  if (!ready) return <p className="loading" role="status">Opening the workspace…</p>;
  return <Workspace />;
}

function Workspace() {
  const place = useStore((s) => s.place);
  const thread = useStore((s) => s.thread);
  const inspector = useStore((s) => s.inspector);
  const stack = useStore((s) => s.stack);
  const sidebar = useStore((s) => s.sidebar);
  const unread = useStore((s) => Object.values(s.unread).reduce((a, b) => a + b, 0));
  const name = useStore((s) => s.workspace.team.name);
  useEffect(() => {
    document.title = unread ? `(${unread}) ${name}` : name;
  }, [unread, name]);
  const top = stack[stack.length - 1];
  return (
    <div className="page">
      <TopBar />
      <div className="columns">
        <Sidebar />
        {sidebar && <div className="shade" onClick={() => change({ sidebar: false })} />}
        {place.kind === "home" ? <Home /> : <Channel id={place.id} />}
        {thread && <Thread />}
        {inspector && <Inspector />}
      </div>
      {top && <Modal key={top.id} view={top} />}
      <Toasts />
      <Announcer />
    </div>
  );
}

// A permalink opens its thread: /archives/C…/p1700000000000001[?thread_ts=…]
function fromPermalink() {
  const found = location.pathname.match(/^\/archives\/(\w+)\/p(\d{10})(\d{6})$/);
  if (!found) return;
  const ts = new URLSearchParams(location.search).get("thread_ts") || `${found[2]}.${found[3]}`;
  change({ place: { kind: "channel", id: found[1] }, thread: { channel: found[1], ts } });
}

fromPermalink();
connect();
createRoot(document.getElementById("root")).render(<Page />);
