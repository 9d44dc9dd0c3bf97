// One message: who, when, what, and what can be done with it.
import { memo, useMemo, useState } from "react";
import { press } from "./api.js";
import { clockTime, dateOf, dayLabel, exactTime } from "./dates.js";
import { withEmoji } from "./emoji.js";
import { Attachments, BlockList } from "./kit.jsx";
import { Avatar, nameOf, useDirectory, useViewer } from "./people.jsx";
import { getState, keyOf, openThread, useStore } from "./store.js";
import { Mrkdwn } from "./text.jsx";

function useMessageSurface(message) {
  const troubles = useStore((s) => s.troubles[keyOf(message)]);
  const [values, setValues] = useState({});
  return useMemo(
    () => ({
      values,
      troubles,
      container: { type: "message", message_ts: message.ts, channel_id: message.channel },
      type: (block, action, value) => setValues((v) => ({ ...v, [block]: { ...v[block], [action]: value } })),
      act: (element, block_id, value) =>
        press({
          user: getState().viewer,
          channel: message.channel,
          ts: message.ts,
          action_id: element.action_id,
          block_id,
          value: value === undefined ? (element.value ?? null) : value,
          stale: true,
        }),
    }),
    [message, troubles, values],
  );
}

function Replies({ message }) {
  const { byId } = useDirectory();
  const viewer = useViewer();
  const last = dateOf(message.latest_reply);
  return (
    <button type="button" className="replies" onClick={() => openThread(message.channel, message.ts)}>
      {message.reply_users.slice(0, 4).map((id) => <Avatar key={id} user={byId.get(id)} size={22} />)}
      <strong>{message.reply_count} {message.reply_count === 1 ? "reply" : "replies"}</strong>
      <span>Last reply {dayLabel(last, viewer).toLowerCase()} at {clockTime(last, viewer)}</span>
    </button>
  );
}

function Reactions({ reactions }) {
  const { byId } = useDirectory();
  return (
    <ul className="reactions" aria-label="Reactions">
      {reactions.map((r) => (
        <li key={r.name} title={r.users.map((id) => nameOf(byId.get(id))).join(", ")}>
          <span role="img" aria-label={r.name}>{withEmoji(`:${r.name.split("::")[0]}:`)}</span> {r.count}
        </li>
      ))}
    </ul>
  );
}

export const Message = memo(function Message({ message, compact, inThread }) {
  const { byId, workspace } = useDirectory();
  const viewer = useViewer();
  const author = byId.get(message.user);
  const surface = useMessageSurface(message);
  const at = dateOf(message.ts);
  const name = message.bot_profile?.name || nameOf(author);
  const isApp = message.user === workspace.app.bot_user_id;
  return (
    <article
      className={`message ${compact ? "compact" : ""} ${message.ephemeral_to ? "ephemeral" : ""}`}
      aria-label={`${name}, ${clockTime(at, viewer)}`}
      data-ts={message.ts}
    >
      {message.ephemeral_to && <div className="only-you"><span aria-hidden="true">👁</span> Only visible to you</div>}
      <div className="gutter">
        {compact ? <time title={exactTime(at, viewer)}>{clockTime(at, viewer).replace(/\s?[AP]M$/, "")}</time> : <Avatar user={author} />}
      </div>
      <div className="content">
        {!compact && (
          <div className="byline">
            <strong>{name}</strong>
            {isApp && <span className="app-badge">APP</span>}
            <time dateTime={at.toISOString()} title={exactTime(at, viewer)}>{clockTime(at, viewer)}</time>
          </div>
        )}
        {message.blocks ? <BlockList blocks={message.blocks} surface={surface} /> : message.text && <Mrkdwn text={message.text} />}
        {message.attachments && <Attachments attachments={message.attachments} surface={surface} />}
        {message.edited && <span className="edited">(edited)</span>}
        {message.reactions && <Reactions reactions={message.reactions} />}
        {!inThread && message.reply_count > 0 && <Replies message={message} />}
      </div>
      {!inThread && !message.ephemeral_to && (
        <div className="tools">
          <button type="button" aria-label="Reply in thread" title="Reply in thread" onClick={() => openThread(message.channel, message.ts)}>
            💬
          </button>
        </div>
      )}
    </article>
  );
});
