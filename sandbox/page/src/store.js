// The state of the page: one object, changed by the feed's events and by the reader's own choices.
import { useSyncExternalStore } from "react";
import { setClock } from "./dates.js";

const INSPECTOR_ENTRIES = 400;
const listeners = new Set();

function remembered(name, fallback) {
  try {
    return localStorage.getItem(name) ?? fallback;
  } catch {
    return fallback;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
}

const asked = new URLSearchParams(location.search);

let state = {
  connected: false,
  workspace: null,
  viewer: asked.get("user") || remembered("viewer", ""),
  theme: asked.get("theme") || remembered("theme", "system"),
  place: { kind: "channel", id: asked.get("channel") || "" },
  thread: null,
  messages: new Map(),
  stack: [],
  home: null,
  calls: [],
  envelopes: [],
  troubles: {},
  unread: {},
  toasts: [],
  announced: "",
  inspector: false,
  sent: 0,
  guide: remembered("guide", "open") === "open",
  sidebar: false,
};

export const keyOf = (message) => `${message.channel}/${message.ts}`;

export function getState() {
  return state;
}

export function change(part) {
  state = { ...state, ...(typeof part === "function" ? part(state) : part) };
  for (const listener of listeners) listener();
}

export function useStore(select) {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => select(state),
  );
}

export function dismissToast(id) {
  change((s) => ({ toasts: s.toasts.filter((t) => t.id !== id) }));
}

export function goTo(place) {
  change((s) => ({
    place,
    thread: null,
    sidebar: false,
    unread: { ...s.unread, [place.id]: 0 },
  }));
}

export function openThread(channel, ts) {
  change({ thread: { channel, ts } });
}

function take(snapshot) {
  setClock(snapshot.clock);
  const messages = new Map(snapshot.messages.map((m) => [keyOf(m), m]));
  const { messages: _m, stack, home, calls, envelopes, type: _t, ...workspace } = snapshot;
  const place = state.place.id ? state.place : { kind: "channel", id: workspace.home_channel };
  change({ connected: true, workspace, viewer: snapshot.viewer, messages, stack, home, calls, envelopes, place });
}

function takeMessage(message) {
  const known = state.messages.has(keyOf(message));
  const messages = new Map(state.messages).set(keyOf(message), message);
  const part = { messages, troubles: { ...state.troubles, [keyOf(message)]: undefined } };
  if (!known && message.user !== state.viewer) Object.assign(part, arrival(message));
  change(part);
}

// A new message: read out by its text, counted as unread where nobody looks, and shown as a notification there.
function arrival(message) {
  const here = state.place.kind === "channel" && state.place.id === message.channel && !document.hidden;
  const text = message.text || "sent a message";
  const part = { announced: text };
  if (!here) {
    part.unread = { ...state.unread, [message.channel]: (state.unread[message.channel] || 0) + 1 };
    part.toasts = [...state.toasts, { id: keyOf(message), channel: message.channel, author: message.user, text }].slice(-3);
  }
  return part;
}

const withEntry = (list, entry) => {
  const at = list.findLastIndex((e) => e.number === entry.number);
  if (at < 0) return [...list, entry].slice(-INSPECTOR_ENTRIES);
  return list.map((e, i) => (i === at ? entry : e));
};

const takers = {
  snapshot: take,
  message: (event) => takeMessage(event.message),
  removed: (event) => {
    const messages = new Map(state.messages);
    messages.delete(`${event.channel}/${event.ts}`);
    change({ messages });
  },
  views: (event) => change({ stack: event.stack, home: event.home }),
  trouble: (event) =>
    change((s) => {
      const key = `${event.channel}/${event.ts}`;
      return { troubles: { ...s.troubles, [key]: { ...s.troubles[key], [event.action_id]: event.error } } };
    }),
  connections: (event) => change((s) => ({ workspace: s.workspace && { ...s.workspace, connections: event.count } })),
  call: (event) => change((s) => ({ calls: withEntry(s.calls, event.call) })),
  envelope: (event) => change((s) => ({ envelopes: withEntry(s.envelopes, event.envelope) })),
};

export function takeEvent(event) {
  takers[event.type]?.(event);
}
