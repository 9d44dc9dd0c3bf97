// :names: in plain texts (buttons, options, titles), which the renderer does not see.
import { get } from "node-emoji";

export function withEmoji(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => get(name) || whole);
}
