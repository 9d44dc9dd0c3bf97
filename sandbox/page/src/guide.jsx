// A guided first minute: the steps of whoever started this world, one at a time, in the reader's language.
import { useState } from "react";
import { postWorld, sendCommand } from "./api.js";
import { useDirectory, useViewer } from "./people.jsx";
import { change, remember, useStore } from "./store.js";

export const setGuide = (open) => {
  remember("guide", open ? "open" : "closed");
  change({ guide: open });
};

async function take(step, viewer, channel) {
  if (step.command) return sendCommand(viewer, channel, step.command);
  return postWorld("incident", { kind: step.incident });
}

export function Guide({ channel }) {
  const { workspace } = useDirectory();
  const viewer = useViewer();
  const [at, setAt] = useState(0);
  const [problem, setProblem] = useState("");
  const open = useStore((s) => s.guide);
  const steps = workspace.guide;
  if (!open || channel !== workspace.home_channel || !steps.length) return null;
  const step = steps[at];
  const words = step[viewer.locale.slice(0, 2)] || step.en;
  const go = (to) => {
    setProblem("");
    setAt(to);
  };
  const act = async () => {
    const answer = await take(step, viewer.id, channel);
    setProblem(answer.ok ? "" : answer.error);
  };
  return (
    <section className="guide" aria-label="First minute">
      <p>
        <strong>{at + 1}/{steps.length} {words.title}</strong> {words.look}
        {problem && <span className="error" role="alert"> {problem}</span>}
      </p>
      <div className="guide-buttons">
        {words.button && <button type="button" className="guide-act" onClick={act}>{words.button}</button>}
        <span className="grow" />
        <button type="button" className="icon" aria-label="Previous step" disabled={at === 0} onClick={() => go(at - 1)}>‹</button>
        <button type="button" className="icon" aria-label="Next step" disabled={at === steps.length - 1} onClick={() => go(at + 1)}>›</button>
        <button type="button" className="icon" aria-label="Close the guide" onClick={() => setGuide(false)}>✕</button>
      </div>
    </section>
  );
}
