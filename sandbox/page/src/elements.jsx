// Interactive elements: buttons, menus, pickers, inputs. `act(value)` presses or chooses; `type(value)` only fills in.
import { useEffect, useRef, useState } from "react";
import { askOptions } from "./api.js";
import { ConfirmDialog } from "./dialog.jsx";
import { useDirectory } from "./people.jsx";
import { getState } from "./store.js";
import { TextObject } from "./text.jsx";
import { withEmoji } from "./emoji.js";

// Asks first where the element has a confirm dialog.
function useConfirm(element, act) {
  const [waiting, setWaiting] = useState(null);
  const ask = (value) => (element.confirm ? setWaiting({ value }) : act(value));
  const dialog = waiting && (
    <ConfirmDialog
      confirm={element.confirm}
      body={<TextObject value={element.confirm.text} />}
      onNo={() => setWaiting(null)}
      onYes={() => {
        setWaiting(null);
        act(waiting.value);
      }}
    />
  );
  return [ask, dialog];
}

function Button({ element, act, trouble }) {
  const [busy, setBusy] = useState(false);
  const alive = useRef(true);
  useEffect(() => {
    alive.current = true;
    return () => {
      alive.current = false;
    };
  }, []);
  const [ask, dialog] = useConfirm(element, async () => {
    if (element.url) window.open(element.url, "_blank", "noopener");
    setBusy(true);
    await act(undefined);
    if (alive.current) setBusy(false);
  });
  const label = element.accessibility_label;
  return (
    <span className="button-place">
      <button
        type="button"
        className={`kit ${element.style || ""} ${busy ? "busy" : ""}`}
        aria-label={label || undefined}
        aria-busy={busy || undefined}
        data-action-id={element.action_id}
        onClick={() => !busy && ask()}
      >
        {withEmoji(element.text.text)}
      </button>
      {trouble && (
        <span className="trouble" role="alert" title={`The app did not answer: ${trouble}`}>
          <span aria-hidden="true">⚠</span> <span>{trouble}</span>
        </span>
      )}
      {dialog}
    </span>
  );
}

const optionsOf = (element) => element.options || element.option_groups?.flatMap((g) => g.options) || [];

function useChoices(element) {
  const { workspace, byId } = useDirectory();
  const kind = element.type.replace("multi_", "");
  if (kind === "users_select") return workspace.people.map((id) => ({ value: id, label: byId.get(id).real_name }));
  if (kind === "channels_select" || kind === "conversations_select") {
    return workspace.channels.filter((c) => !c.is_im).map((c) => ({ value: c.id, label: `#${c.name}` }));
  }
  return optionsOf(element).map((o) => ({ value: o.value, label: withEmoji(o.text.text) }));
}

const nameFor = (element, label) => element.placeholder?.text || label || element.action_id;

function Select({ element, act, value, label }) {
  const choices = useChoices(element);
  const [ask, dialog] = useConfirm(element, act);
  return (
    <>
      <select
        className="kit"
        aria-label={nameFor(element, label)}
        data-action-id={element.action_id}
        value={value ?? ""}
        onChange={(e) => ask(e.target.value)}
      >
        <option value="" disabled={!!value}>{element.placeholder?.text || "Select an item"}</option>
        {element.option_groups
          ? element.option_groups.map((g) => (
              <optgroup key={g.label.text} label={g.label.text}>
                {g.options.map((o) => <option key={o.value} value={o.value}>{withEmoji(o.text.text)}</option>)}
              </optgroup>
            ))
          : choices.map((c) => <option key={c.value} value={c.value}>{c.label}</option>)}
      </select>
      {dialog}
    </>
  );
}

function ManySelect({ element, act, value, label }) {
  const choices = useChoices(element);
  const chosen = value || [];
  const [ask, dialog] = useConfirm(element, act);
  const flip = (v) => ask(chosen.includes(v) ? chosen.filter((c) => c !== v) : [...chosen, v]);
  return (
    <fieldset className="many" aria-label={nameFor(element, label)}>
      {choices.map((c) => (
        <label key={c.value}>
          <input type="checkbox" checked={chosen.includes(c.value)} onChange={() => flip(c.value)} /> {c.label}
        </label>
      ))}
      {dialog}
    </fieldset>
  );
}

function Choices({ element, act, value, label }) {
  const many = element.type === "checkboxes";
  const chosen = many ? value || [] : value;
  const [ask, dialog] = useConfirm(element, act);
  const isOn = (v) => (many ? chosen.includes(v) : chosen === v);
  const pick = (v) => ask(many ? (chosen.includes(v) ? chosen.filter((c) => c !== v) : [...chosen, v]) : v);
  return (
    <fieldset className="choices" aria-label={label || element.action_id}>
      {element.options.map((o) => (
        <label key={o.value}>
          <input
            type={many ? "checkbox" : "radio"}
            name={`${element.action_id}-choice`}
            checked={isOn(o.value)}
            onChange={() => pick(o.value)}
          />
          <span>
            <TextObject value={o.text} />
            {o.description && <small><TextObject value={o.description} /></small>}
          </span>
        </label>
      ))}
      {dialog}
    </fieldset>
  );
}

function Overflow({ element, act }) {
  const [open, setOpen] = useState(false);
  const [ask, dialog] = useConfirm(element, act);
  return (
    <span className="overflow" onBlur={(e) => !e.currentTarget.contains(e.relatedTarget) && setOpen(false)}>
      <button
        type="button"
        className="kit"
        aria-label="More actions"
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        •••
      </button>
      {open && (
        <div role="menu" className="menu">
          {element.options.map((o) => (
            <button
              type="button"
              role="menuitem"
              key={o.value}
              onClick={() => {
                setOpen(false);
                if (o.url) window.open(o.url, "_blank", "noopener");
                ask(o.value);
              }}
            >
              {withEmoji(o.text.text)}
            </button>
          ))}
        </div>
      )}
      {dialog}
    </span>
  );
}

function Picker({ element, act, value, label }) {
  const [ask, dialog] = useConfirm(element, act);
  const kind = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" }[element.type];
  const shown = kind === "datetime-local" && value ? new Date(value * 1000).toISOString().slice(0, 16) : value;
  const read = (text) => (kind === "datetime-local" ? Math.floor(Date.parse(`${text}Z`) / 1000) : text);
  return (
    <>
      <input
        className="kit"
        type={kind}
        aria-label={nameFor(element, label)}
        value={shown || ""}
        onChange={(e) => e.target.value && ask(read(e.target.value))}
      />
      {dialog}
    </>
  );
}

function Typed({ element, type, act, value, label, invalid, describedBy }) {
  const shared = {
    className: "kit wide",
    "aria-label": label || nameFor(element),
    "aria-invalid": invalid || undefined,
    "aria-describedby": describedBy,
    placeholder: element.placeholder?.text || undefined,
    value: value ?? "",
    maxLength: element.max_length,
    onChange: (e) => type(e.target.value),
    onKeyDown: (e) => e.key === "Enter" && !element.multiline && act?.(e.target.value),
  };
  if (element.multiline || element.type === "rich_text_input") return <textarea rows={4} {...shared} />;
  const kinds = { email_text_input: "email", url_text_input: "url" };
  const mode = element.type === "number_input" ? (element.is_decimal_allowed ? "decimal" : "numeric") : undefined;
  return <input type={kinds[element.type] || "text"} inputMode={mode} {...shared} />;
}

function External({ element, act, value, label, container, blockId }) {
  const [options, setOptions] = useState([]);
  const search = async (typed) => {
    if (typed.length < (element.min_query_length ?? 3)) return;
    const answer = await askOptions({ user: getState().viewer, container, element, block_id: blockId, typed });
    setOptions(answer.options || []);
  };
  return (
    <span className="external">
      <input className="kit" aria-label={nameFor(element, label)} placeholder={element.placeholder?.text || "Search"}
        onChange={(e) => search(e.target.value)} />
      <Select element={{ ...element, options, type: "static_select" }} act={act} value={value} label={label} />
    </span>
  );
}

const kinds = {
  button: Button,
  workflow_button: Button,
  overflow: Overflow,
  checkboxes: Choices,
  radio_buttons: Choices,
  datepicker: Picker,
  timepicker: Picker,
  datetimepicker: Picker,
  external_select: External,
  plain_text_input: Typed,
  email_text_input: Typed,
  url_text_input: Typed,
  number_input: Typed,
  rich_text_input: Typed,
};

export function Element(props) {
  const { type } = props.element;
  const Kind = kinds[type] || (type.startsWith("multi_") ? ManySelect : type.endsWith("_select") ? Select : null);
  if (!Kind) return <span className="unsupported">({type} is not shown here)</span>;
  return <Kind {...props} />;
}

// The plain value inside an entry of view.state or message state.
export function plainValue(entry) {
  if (!entry) return undefined;
  if (entry.selected_option !== undefined) return entry.selected_option?.value;
  if (entry.selected_options) return entry.selected_options.map((o) => o.value);
  const name = Object.keys(entry).find((k) => k !== "type");
  return name ? entry[name] : undefined;
}

export function initialValue(element) {
  if (element.initial_option) return element.initial_option.value;
  if (element.initial_options) return element.initial_options.map((o) => o.value);
  const name = Object.keys(element).find((k) => k.startsWith("initial_"));
  return name ? element[name] : undefined;
}
