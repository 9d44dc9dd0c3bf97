// Where people write: messages, and slash commands completed from the app's manifest.
import { useRef, useState } from "react";
import { say, sendCommand } from "./api.js";
import { useDirectory } from "./people.jsx";
import { getState } from "./store.js";

// A usage hint such as "[status | ttl [seconds] | undo <id>]" gives one suggestion for each of its alternatives.
const alternatives = (hint) =>
  hint
    .trim()
    .replace(/^\[(.*)\]$/, "$1")
    .split(/[|·]/)
    .map((part) => part.trim())
    .filter((part) => /^[a-z]/.test(part));

function suggestionsFor(text, commands) {
  if (!text.startsWith("/")) return [];
  const [typed, ...rest] = text.split(" ");
  if (rest.length === 0) {
    return commands
      .filter((c) => c.command.startsWith(typed))
      .map((c) => ({ fill: `${c.command} `, title: c.command, hint: c.usage_hint, note: c.description }));
  }
  const command = commands.find((c) => c.command === typed);
  if (!command || rest.length > 1) return [];
  return alternatives(command.usage_hint)
    .map((part) => part.split(/\s+/))
    .filter(([word]) => word.startsWith(rest[0]) && word !== rest[0])
    .map(([word, ...more]) => ({ fill: `${typed} ${word}`, title: `${typed} ${word}`, hint: more.join(" "), note: "" }));
}

export function Composer({ channel, threadTs, label }) {
  const { workspace } = useDirectory();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const [marked, setMarked] = useState(-1);
  const [closed, setClosed] = useState(false);
  const field = useRef(null);
  const past = useRef([]);
  const suggestions = threadTs || closed ? [] : suggestionsFor(text, workspace.commands);

  const write = (value) => {
    setText(value);
    setMarked(-1);
    setClosed(false);
    setProblem("");
  };
  const send = async () => {
    const line = text.trim();
    if (!line) return;
    past.current.push(line);
    write("");
    const viewer = getState().viewer;
    if (line.startsWith("/") && threadTs) {
      setProblem("Slack does not run slash commands in threads.");
      return;
    }
    const answer = line.startsWith("/") ? await sendCommand(viewer, channel, line) : await say(viewer, channel, line, threadTs);
    if (!answer.ok) setProblem(answer.error);
  };
  const fill = (suggestion) => {
    write(suggestion.fill);
    field.current.focus();
  };
  const onKeyDown = (event) => {
    if (event.nativeEvent.isComposing) return; // Korean is typed in steps; Enter may only finish a syllable
    if (suggestions.length && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      setMarked((marked + step + suggestions.length) % suggestions.length);
    } else if (suggestions.length && event.key === "Tab") {
      event.preventDefault();
      fill(suggestions[Math.max(marked, 0)]);
    } else if (event.key === "Escape" && suggestions.length) {
      setClosed(true);
    } else if (event.key === "ArrowUp" && !text && past.current.length) {
      event.preventDefault();
      write(past.current[past.current.length - 1]);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (marked >= 0 && suggestions[marked]) fill(suggestions[marked]);
      else send();
    }
  };
  return (
    <div className="composer">
      {suggestions.length > 0 && (
        <ul className="suggestions" role="listbox" aria-label="Commands">
          {suggestions.map((s, i) => (
            <li key={s.title} role="option" aria-selected={i === marked} onMouseDown={(e) => { e.preventDefault(); fill(s); }}>
              <strong>{s.title}</strong> <span className="hint">{s.hint}</span>
              {s.note && <div className="note">{s.note}</div>}
            </li>
          ))}
        </ul>
      )}
      <div className="composer-box">
        <textarea
          ref={field}
          rows={Math.min(6, text.split("\n").length)}
          aria-label={label}
          placeholder={label}
          value={text}
          onChange={(e) => write(e.target.value)}
          onKeyDown={onKeyDown}
        />
        <button type="button" className="send" aria-label="Send" disabled={!text.trim()} onClick={send}>➤</button>
      </div>
      {problem && <div className="composer-problem" role="alert">{problem}</div>}
    </div>
  );
}
