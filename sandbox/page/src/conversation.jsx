// A channel: its head, its messages by day, the composer; and a thread beside it.
import { Fragment, useLayoutEffect, useMemo, useRef } from "react";
import { Composer } from "./composer.jsx";
import { dateOf, dayLabel, dayOf } from "./dates.js";
import { Guide } from "./guide.jsx";
import { Message } from "./message.jsx";
import { useDirectory, useViewer } from "./people.jsx";
import { change, useStore } from "./store.js";

const COMPACT_WITHIN_SECONDS = 300;
const byTime = (a, b) => (a.ts < b.ts ? -1 : 1);

function continues(previous, message) {
  return (
    previous &&
    previous.user === message.user &&
    !previous.ephemeral_to === !message.ephemeral_to &&
    !message.ephemeral_to &&
    Number(message.ts) - Number(previous.ts) < COMPACT_WITHIN_SECONDS &&
    !(message.blocks?.[0]?.type === "header")
  );
}

// Where the list rests: its end; a last message that is taller than the screen is read from its first line.
function restOf(box) {
  const last = box.querySelector("article:last-of-type");
  const top = last ? last.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop : Infinity;
  return Math.min(box.scrollHeight - box.clientHeight, Math.floor(top));
}

function MessageList({ messages, label, inThread }) {
  const viewer = useViewer();
  const box = useRef(null);
  const rests = useRef("end"); // or at the "top" of a tall last message, or "" where the reader scrolled to
  const last = messages[messages.length - 1];
  const sent = useStore((s) => s.sent);
  const wasSent = useRef(sent);
  useLayoutEffect(() => {
    const wrote = wasSent.current !== sent; // whoever writes wants to see the answer
    wasSent.current = sent;
    // Whoever pressed a button of a tall message goes on reading it: the answer stays below.
    if (rests.current === "top" && last?.ephemeral_to) rests.current = "";
    if (!rests.current && !wrote) return undefined;
    const stay = () => {
      if ((rests.current || wrote) && box.current) box.current.scrollTop = wrote ? box.current.scrollHeight : restOf(box.current);
    };
    stay();
    const watcher = new ResizeObserver(stay);
    for (const child of box.current.children) watcher.observe(child);
    return () => watcher.disconnect();
  }, [messages, last, sent]);
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    if (scrollHeight - scrollTop - clientHeight < 80) rests.current = "end";
    else rests.current = Math.abs(scrollTop - restOf(box.current)) < 80 ? "top" : "";
  };
  return (
    <div className="messages" ref={box} onScroll={onScroll} role="log" aria-label={label} aria-live="off" tabIndex={0}>
      <div className="messages-inner">
        {messages.map((m, i) => {
          const previous = messages[i - 1];
          const newDay = !previous || dayOf(previous.ts, viewer) !== dayOf(m.ts, viewer);
          return (
            <Fragment key={m.ts}>
              {newDay && !inThread && <div className="day" role="separator"><span>{dayLabel(dateOf(m.ts), viewer)}</span></div>}
              <Message message={m} compact={!newDay && continues(previous, m)} inThread={inThread} />
            </Fragment>
          );
        })}
      </div>
    </div>
  );
}

function useMessages(channel, wanted) {
  const messages = useStore((s) => s.messages);
  return useMemo(
    () => [...messages.values()].filter((m) => m.channel === channel && wanted(m)).sort(byTime),
    [messages, channel, wanted],
  );
}

const isTopLevel = (m) => !m.thread_ts || m.thread_ts === m.ts || m.reply_broadcast;

export function Channel({ id }) {
  const { workspace } = useDirectory();
  const channel = workspace.channels.find((c) => c.id === id);
  const messages = useMessages(id, isTopLevel);
  if (!channel) return <main className="pane"><p className="empty">There is no such channel.</p></main>;
  const name = channel.is_im ? workspace.app.name : `#${channel.name}`;
  return (
    <main className="pane">
      <header className="pane-head">
        <h1>{channel.is_private && !channel.is_im ? "🔒 " : ""}{channel.is_im ? workspace.app.name : <><span className="hash">#</span>{channel.name}</>}</h1>
        {channel.topic && <p className="topic">{channel.topic}</p>}
        <span className="members" title="Members">{channel.members.length} members</span>
      </header>
      <Guide channel={id} />
      {messages.length === 0 ? (
        <div className="messages"><Welcome name={name} channel={channel} /></div>
      ) : (
        <MessageList key={id} messages={messages} label={`Messages in ${name}`} />
      )}
      <Composer channel={id} label={`Message ${name}`} />
    </main>
  );
}

function Welcome({ name, channel }) {
  const { workspace } = useDirectory();
  const here = channel.members.includes(workspace.app.bot_user_id);
  return (
    <div className="empty">
      <h2>{name}</h2>
      {here ? (
        <p>
          Nothing has been said here yet. {workspace.app.name} is in this channel
          {workspace.connections ? "" : ", but not connected: start it with this sandbox's tokens and addresses"}.
          {workspace.commands[0] && <> Try <code>{workspace.commands[0].command} help</code>.</>}
        </p>
      ) : (
        <p>{workspace.app.name} is not in this channel: what it tries to post here is refused.</p>
      )}
    </div>
  );
}

export function Thread() {
  const thread = useStore((s) => s.thread);
  const wanted = useMemo(() => (m) => m.ts === thread.ts || m.thread_ts === thread.ts, [thread]);
  const messages = useMessages(thread.channel, wanted);
  const { workspace } = useDirectory();
  const channel = workspace.channels.find((c) => c.id === thread.channel);
  return (
    <aside className="pane side" aria-label="Thread">
      <header className="pane-head">
        <h1>Thread</h1>
        <p className="topic">#{channel?.name}</p>
        <button type="button" className="icon" aria-label="Close thread" onClick={() => change({ thread: null })}>✕</button>
      </header>
      <MessageList messages={messages} label="Messages in this thread" inThread />
      <Composer channel={thread.channel} threadTs={thread.ts} label="Reply in thread" />
    </aside>
  );
}
