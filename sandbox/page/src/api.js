// Requests to the control API: what the person at the page does.
import { change } from "./store.js";

async function post(name, body) {
  const response = await fetch(`/control/slack/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({ error: `HTTP ${response.status}` }));
  return { ok: response.ok, ...answer };
}

const wrote = (name, body) => {
  change((s) => ({ sent: s.sent + 1 }));
  return post(name, body);
};

export const sendCommand = (user, channel, text) => wrote("command", { user, channel, text });
export const say = (user, channel, text, thread_ts) => wrote("say", { user, channel, text, thread_ts });
export const press = (body) => post("click", body);
export const submitView = (user, view_id, values) => post("submit", { user, view_id, values });
export const closeView = (user, view_id, all) => post("close", { user, view_id, all });
export const openHome = (user) => post("home", { user });
export const askOptions = (body) => post("options", body);
export const sockets = (body) => post("sockets", body);
export const planFault = (body) => post("faults", body);

// The rest of the world, where there is one: null where this sandbox has Slack alone.
export async function getWorld(name) {
  const response = await fetch(`/control/world/${name}`);
  return response.ok ? response.json() : null;
}

export async function postWorld(name, body) {
  const response = await fetch(`/control/world/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({ error: `HTTP ${response.status}` }));
  return { ...answer, ok: response.ok };
}
