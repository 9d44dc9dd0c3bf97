// What goes over the wire: envelopes with their acks, Web API calls, and things to let go wrong.
import { useState } from "react";
import { planFault, sockets } from "./api.js";
import { change, useStore } from "./store.js";
import { World } from "./world.jsx";

const time = (at) => new Date(at * 1000).toISOString().slice(11, 23);

function Entry({ summary, state, good, at, took, detail }) {
  const [open, setOpen] = useState(false);
  return (
    <li className={good ? "entry" : "entry bad"}>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span className="at">{time(at)}</span>
        <span className="what">{summary}</span>
        <span className="state">{state}</span>
        <span className="took">{took}</span>
      </button>
      {open && <pre tabIndex={0}>{JSON.stringify(detail, null, 2)}</pre>}
    </li>
  );
}

function Envelopes() {
  const envelopes = useStore((s) => s.envelopes);
  if (!envelopes.length) return <p className="empty">No envelope was sent yet.</p>;
  return (
    <ul className="entries" aria-label="Envelopes">
      {[...envelopes].reverse().map((e) => (
        <Entry
          key={e.number}
          at={e.at}
          summary={`${e.kind.replace("_", " ")} · ${e.summary}${e.retry_attempt ? ` · retry ${e.retry_attempt}` : ""}`}
          state={e.state.replace("_", " ")}
          good={e.state === "acked" || e.state === "waiting"}
          took={e.ack_ms === null ? "" : `${e.ack_ms.toFixed(1)} ms`}
          detail={{ envelope_id: e.envelope_id, connection: e.connection, ack: e.ack_payload, payload: e.payload }}
        />
      ))}
    </ul>
  );
}

function Calls() {
  const calls = useStore((s) => s.calls);
  if (!calls.length) return <p className="empty">The app has not called yet.</p>;
  return (
    <ul className="entries" aria-label="Web API calls">
      {[...calls].reverse().map((c) => (
        <Entry
          key={c.number}
          at={c.at}
          summary={c.method}
          state={c.error || (c.status === 200 ? "ok" : String(c.status))}
          good={!c.error && c.status === 200}
          took={`${c.ms.toFixed(1)} ms`}
          detail={{ arguments: c.arguments, response: c.response }}
        />
      ))}
    </ul>
  );
}

const FAULTS = [
  ["Close the connections", () => sockets({ do: "close" })],
  ["Reset the connections (RST)", () => sockets({ do: "reset" })],
  ["Let the connections go silent (half-open)", () => sockets({ do: "half_open" })],
  ["Ask to refresh the connections", () => sockets({ do: "refresh_requested" })],
  ["Switch Socket Mode off once (link_disabled)", () => sockets({ do: "link_disabled" })],
  ["Refuse the next ticket", () => sockets({ do: "reject_tickets", count: 1 })],
  ["Deliver the next envelope twice", () => sockets({ do: "duplicate_envelopes", count: 1 })],
  ["Post the next message, then never answer", () => planFault({ method: "chat.postMessage", kind: "post_then_timeout" })],
  ["Answer the next 3 calls with 429", () => planFault({ method: "*", kind: "ratelimited", times: 3, seconds: 1 })],
  ["Answer the next 5 calls with internal_error", () => planFault({ method: "*", kind: "error", times: 5 })],
  ["Take 5 s for the next 5 calls", () => planFault({ method: "*", kind: "delay", times: 5, seconds: 5 })],
];

function Faults() {
  const [done, setDone] = useState("");
  return (
    <div className="faults">
      <p>Let something go wrong with the app's connection to Slack, and see what it does.</p>
      {FAULTS.map(([label, deed]) => (
        <button type="button" key={label} onClick={async () => { await deed(); setDone(label); }}>{label}</button>
      ))}
      <button type="button" className="heal" onClick={async () => { await sockets({ do: "heal" }); await planFault({ clear: true }); setDone("All is well again"); }}>
        Take all planned faults back
      </button>
      {done && <p role="status">Done: {done}</p>}
    </div>
  );
}

const TABS = { Envelopes, "API calls": Calls, Faults, World };

export function Inspector() {
  const [tab, setTab] = useState("Envelopes");
  const Shown = TABS[tab];
  return (
    <aside className="pane side inspector" aria-label="Inspector">
      <header className="pane-head">
        <h1>Inspector</h1>
        <nav className="tabs" aria-label="Inspector">
          {Object.keys(TABS).map((name) => (
            <button type="button" key={name} aria-current={name === tab ? "page" : undefined} onClick={() => setTab(name)}>{name}</button>
          ))}
        </nav>
        <button type="button" className="icon" aria-label="Close inspector" onClick={() => change({ inspector: false })}>✕</button>
      </header>
      <div className="messages"><Shown /></div>
    </aside>
  );
}
