// A list of blocks: what only shows goes to the renderer, what answers to people is made here.
import { useId, useState } from "react";
import { ConfirmDialog } from "./dialog.jsx";
import { Element, initialValue, plainValue } from "./elements.jsx";
import { withEmoji } from "./emoji.js";
import { useStore } from "./store.js";
import { Blocks, TextObject } from "./text.jsx";

// surface: {act(element, blockId, value), type(blockId, actionId, value), values, state, troubles, errors, container}
export function BlockList({ blocks, surface }) {
  const groups = [];
  for (const block of blocks) {
    const last = groups[groups.length - 1];
    if (isOurs(block)) groups.push({ own: block });
    else if (last?.shown) last.shown.push(block);
    else groups.push({ shown: [block] });
  }
  return (
    <div className="blocks">
      {groups.map((g, i) =>
        g.own ? (
          <Own key={g.own.block_id || i} block={g.own} surface={surface} />
        ) : (
          <Shown key={i} blocks={g.shown} surface={surface} />
        ),
      )}
    </div>
  );
}

// Buttons that the renderer draws itself (on cards) carry their action_id as id and tell nobody: listen for them here.
function Shown({ blocks, surface }) {
  const [asking, setAsking] = useState(null);
  const onClick = (event) => {
    const id = event.target.closest("button[id]")?.id;
    for (const block of blocks) {
      const cards = block.type === "carousel" ? block.elements : [block];
      const element = id && cards.flatMap((c) => c.actions || []).find((a) => a.action_id === id);
      if (element?.confirm) setAsking({ element, block });
      else if (element) surface.act(element, block.block_id, undefined);
    }
  };
  return (
    <div onClickCapture={onClick}>
      <Blocks blocks={blocks.map(withoutConfirm)} />
      {asking && (
        <ConfirmDialog
          confirm={asking.element.confirm}
          body={<TextObject value={asking.element.confirm.text} />}
          onNo={() => setAsking(null)}
          onYes={() => {
            setAsking(null);
            surface.act(asking.element, asking.block.block_id, undefined);
          }}
        />
      )}
    </div>
  );
}

// The renderer would open a dialog of its own for these.
function withoutConfirm(block) {
  if (!block.actions && block.type !== "carousel") return block;
  const plain = (card) => ({ ...card, actions: card.actions?.map(({ confirm: _confirm, ...rest }) => rest) });
  return block.type === "carousel" ? { ...block, elements: block.elements.map(plain) } : plain(block);
}

function isOurs(block) {
  if (block.type === "section") return Boolean(block.accessory);
  return ["actions", "input", "image", "context_actions"].includes(block.type);
}

function Own({ block, surface }) {
  if (block.type === "actions") return <Actions block={block} surface={surface} />;
  if (block.type === "input") return <Input block={block} surface={surface} />;
  if (block.type === "image") return <Picture block={block} />;
  if (block.type === "section") return <SectionWithAccessory block={block} surface={surface} />;
  return <Feedback block={block} surface={surface} />;
}

function propsFor(element, block, surface) {
  const typed = surface.values?.[block.block_id]?.[element.action_id];
  const kept = plainValue(surface.state?.[block.block_id]?.[element.action_id]);
  return {
    element,
    blockId: block.block_id,
    container: surface.container,
    value: typed !== undefined ? typed : kept !== undefined && kept !== null ? kept : initialValue(element),
    act: (value) => {
      if (element.type !== "button") surface.type(block.block_id, element.action_id, value);
      return surface.act(element, block.block_id, value);
    },
    type: (value) => surface.type(block.block_id, element.action_id, value),
    trouble: surface.troubles?.[element.action_id],
  };
}

function Actions({ block, surface }) {
  return (
    <div className="actions">
      {block.elements.map((e, i) => <Element key={e.action_id || i} {...propsFor(e, block, surface)} />)}
    </div>
  );
}

function SectionWithAccessory({ block, surface }) {
  const { accessory, ...rest } = block;
  return (
    <div className="with-accessory">
      <Blocks blocks={[rest]} />
      {accessory.type === "image" ? <Thumb picture={accessory} /> : <Element {...propsFor(accessory, block, surface)} />}
    </div>
  );
}

function Input({ block, surface }) {
  const hintId = useId();
  const error = surface.errors?.[block.block_id];
  const props = propsFor(block.element, block, surface);
  if (!block.dispatch_action) props.act = (value) => props.type(value);
  return (
    <div className={`input ${error ? "wrong" : ""}`}>
      <div className="label">
        {withEmoji(block.label.text)}
        {block.optional && <span className="optional"> (optional)</span>}
      </div>
      <Element {...props} label={block.label.text} invalid={Boolean(error)} describedBy={hintId} />
      <div id={hintId}>
        {error && <div className="error" role="alert">{error}</div>}
        {block.hint && <div className="hint">{withEmoji(block.hint.text)}</div>}
      </div>
    </div>
  );
}

function Picture({ block }) {
  const address = block.image_url;
  return (
    <figure className="picture">
      {block.title && <figcaption>{withEmoji(block.title.text)}</figcaption>}
      <a href={address} target="_blank" rel="noreferrer"><img src={address} alt={block.alt_text} /></a>
    </figure>
  );
}

function Thumb({ picture }) {
  return <img className="thumb" src={usePictureAddress(picture)} alt={picture.alt_text} />;
}

function Feedback({ block, surface }) {
  const viewer = useStore((s) => s.viewer);
  return (
    <div className="actions">
      {block.elements.map((e) => {
        if (e.type === "icon_button") {
          const button = { ...e, type: "button", text: { text: "🗑" }, accessibility_label: e.accessibility_label || e.text.text };
          return <Element key={e.action_id} {...propsFor(button, block, surface)} />;
        }
        return ["positive_button", "negative_button"].map((side) => (
          <button
            type="button"
            className="kit"
            key={`${viewer}${side}`}
            aria-label={e[side].accessibility_label || e[side].text.text}
            onClick={() => surface.act(e, block.block_id, e[side].value)}
          >
            {side === "positive_button" ? "👍" : "👎"}
          </button>
        ));
      })}
    </div>
  );
}

export function Attachments({ attachments, surface }) {
  return attachments.map((a, i) => (
    <div className="attachment" key={i} style={{ borderColor: a.color ? `#${String(a.color).replace("#", "")}` : undefined }}>
      {a.pretext && <TextObject value={{ type: "mrkdwn", text: a.pretext }} />}
      {a.title && <strong>{a.title_link ? <a href={a.title_link}>{a.title}</a> : a.title}</strong>}
      {a.text && <TextObject value={{ type: "mrkdwn", text: a.text }} />}
      {a.blocks && <BlockList blocks={a.blocks} surface={surface} />}
      {a.footer && <small>{a.footer}</small>}
    </div>
  ));
}
