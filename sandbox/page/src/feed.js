// The connection to the workspace: a snapshot first, then every change; comes back by itself.
import { change, getState, remember, takeEvent } from "./store.js";

let socket = null;
let generation = 0;

export function connect() {
  const mine = ++generation;
  let pause = 300;
  const open = () => {
    if (mine !== generation) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/feed?user=${encodeURIComponent(getState().viewer)}`);
    socket.onmessage = (frame) => {
      pause = 300;
      takeEvent(JSON.parse(frame.data));
    };
    socket.onclose = () => {
      if (mine !== generation) return;
      change({ connected: false });
      setTimeout(open, pause);
      pause = Math.min(pause * 2, 5000);
    };
  };
  open();
}

export function becomeUser(id) {
  remember("viewer", id);
  change({ viewer: id, messages: new Map(), stack: [], home: null, thread: null, unread: {}, troubles: {}, toasts: [] });
  generation += 1;
  socket?.close();
  connect();
}
