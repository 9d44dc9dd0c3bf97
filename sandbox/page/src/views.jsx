// What the app opened for this person: modals, and the Home tab.
import { useEffect, useMemo, useState } from "react";
import { closeView, openHome, press, submitView } from "./api.js";
import { Dialog } from "./dialog.jsx";
import { withEmoji } from "./emoji.js";
import { BlockList } from "./kit.jsx";
import { Avatar, useDirectory } from "./people.jsx";
import { getState, goTo, useStore } from "./store.js";

function useViewSurface(view) {
  const [values, setValues] = useState({});
  return useMemo(
    () => ({
      values,
      state: view.state?.values,
      errors: view.errors,
      container: { type: "view", view_id: view.id },
      type: (block, action, value) => setValues((v) => ({ ...v, [block]: { ...v[block], [action]: value } })),
      act: (element, block_id, value) =>
        press({
          user: getState().viewer,
          view_id: view.id,
          action_id: element.action_id,
          block_id,
          value: value === undefined ? (element.value ?? null) : value,
        }),
    }),
    [view, values],
  );
}

const TROUBLE = "We had some trouble connecting. Try again?";

export function Modal({ view }) {
  const { workspace, byId } = useDirectory();
  const surface = useViewSurface(view);
  const [busy, setBusy] = useState(false);
  const viewer = useStore((s) => s.viewer);
  const close = () => closeView(viewer, view.id);
  const submit = async () => {
    setBusy(true);
    await submitView(viewer, view.id, surface.values);
    setBusy(false);
  };
  return (
    <Dialog
      title={withEmoji(view.title.text)}
      icon={<Avatar user={byId.get(workspace.app.bot_user_id)} size={28} />}
      onClose={close}
      tall
      footer={
        <>
          {view.trouble && <span className="error" role="alert" title={view.trouble}>{TROUBLE}</span>}
          <button type="button" onClick={close}>{withEmoji(view.close?.text || "Close")}</button>
          {view.submit && (
            <button type="button" className="filled primary" aria-busy={busy || undefined} onClick={() => !busy && submit()}>
              {withEmoji(view.submit.text)}
            </button>
          )}
        </>
      }
    >
      <BlockList blocks={view.blocks} surface={surface} />
    </Dialog>
  );
}

function HomeBlocks({ view }) {
  const surface = useViewSurface(view);
  return (
    <>
      {view.trouble && <p className="error" role="alert">{TROUBLE}</p>}
      <BlockList blocks={view.blocks} surface={surface} />
    </>
  );
}

export function Home() {
  const { workspace, byId } = useDirectory();
  const home = useStore((s) => s.home);
  const viewer = useStore((s) => s.viewer);
  useEffect(() => {
    openHome(viewer);
  }, [viewer]);
  const direct = `D${viewer.slice(1)}`;
  return (
    <main className="pane">
      <header className="pane-head">
        <h1><Avatar user={byId.get(workspace.app.bot_user_id)} size={26} /> {workspace.app.name}</h1>
        <nav className="tabs" aria-label="App">
          <button type="button" aria-current="page">Home</button>
          {workspace.has_messages_tab && (
            <button type="button" onClick={() => goTo({ kind: "channel", id: direct })}>Messages</button>
          )}
        </nav>
      </header>
      <div className="messages home" tabIndex={0} role="region" aria-label="App Home">
        {home ? <HomeBlocks view={home} /> : <p className="empty">{workspace.app.name} has not published a Home tab for you yet.</p>}
      </div>
    </main>
  );
}
