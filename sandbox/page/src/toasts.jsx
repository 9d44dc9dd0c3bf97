// Notifications: what a person would see pop up, made of a message's `text` alone.
import { useEffect } from "react";
import { nameOf, useDirectory } from "./people.jsx";
import { dismissToast, goTo, useStore } from "./store.js";

const SHOWN_MS = 7000;

function Toast({ toast }) {
  const { byId, workspace } = useDirectory();
  useEffect(() => {
    const timer = setTimeout(() => dismissToast(toast.id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [toast.id]);
  const channel = workspace.channels.find((c) => c.id === toast.channel);
  return (
    <button type="button" className="toast" onClick={() => { dismissToast(toast.id); goTo({ kind: "channel", id: toast.channel }); }}>
      <strong>{nameOf(byId.get(toast.author))}{channel && !channel.is_im ? ` in #${channel.name}` : ""}</strong>
      <span>{toast.text.slice(0, 200)}</span>
    </button>
  );
}

export function Toasts() {
  const toasts = useStore((s) => s.toasts);
  return <div className="toasts">{toasts.map((t) => <Toast key={t.id} toast={t} />)}</div>;
}

export function Announcer() {
  const announced = useStore((s) => s.announced);
  return <div className="hidden-words" role="status" aria-live="polite">{announced}</div>;
}
