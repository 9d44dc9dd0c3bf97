// The frame: top bar, sidebar, who one is.
import { useState } from "react";
import { clockTime, now } from "./dates.js";
import { becomeUser } from "./feed.js";
import { setGuide } from "./guide.jsx";
import { Avatar, useDirectory, useViewer } from "./people.jsx";
import { change, getState, goTo, useStore } from "./store.js";
import { chooseTheme } from "./theme.js";

export function TopBar() {
  const { workspace } = useDirectory();
  const connected = useStore((s) => s.connected);
  const inspector = useStore((s) => s.inspector);
  const guide = useStore((s) => s.guide);
  const n = workspace.connections;
  return (
    <header className="top">
      <button type="button" className="icon burger" aria-label="Channels" onClick={() => change((s) => ({ sidebar: !s.sidebar }))}>☰</button>
      <strong className="workspace">{workspace.team.name}</strong>
      <span className="sandbox-badge" title="Not Slack: a sandbox on this machine">sandbox</span>
      <span className="grow" />
      <span className={n ? "presence on" : "presence"} title={`${n} Socket Mode connections`}>
        <span aria-hidden="true">●</span> <span className="presence-words">{workspace.app.name} {n ? "connected" : "not connected"}</span>
      </span>
      {!connected && <span className="offline" role="status">Reconnecting…</span>}
      {workspace.guide.length > 0 && (
        <button type="button" className="bar" aria-label="First minute" aria-pressed={guide} onClick={() => setGuide(!guide)}>?</button>
      )}
      <button type="button" className="bar" aria-pressed={inspector} onClick={() => change((s) => ({ inspector: !s.inspector }))}>Inspector</button>
      <UserMenu />
    </header>
  );
}

function role(id, workspace) {
  const groups = workspace.groups.filter((g) => g.members.includes(id)).map((g) => `@${g.handle}`);
  return groups.length ? groups.join(" ") : "in no group";
}

function UserMenu() {
  const { workspace, byId } = useDirectory();
  const viewer = useViewer();
  const theme = useStore((s) => s.theme);
  const [open, setOpen] = useState(false);
  return (
    <div className="user-menu" onBlur={(e) => !e.currentTarget.contains(e.relatedTarget) && setOpen(false)}
      onKeyDown={(e) => e.key === "Escape" && setOpen(false)}>
      <button type="button" className="me" aria-haspopup="menu" aria-expanded={open} aria-label={`You are ${viewer.real_name}. Switch user`} onClick={() => setOpen(!open)}>
        <Avatar user={viewer} size={26} />
        <span className="me-name">{viewer.real_name}</span>
      </button>
      {open && (
        <div className="menu" role="menu">
          <div className="menu-title">You are</div>
          {workspace.people.map((id) => {
            const user = byId.get(id);
            return (
              <button type="button" role="menuitemradio" aria-checked={id === viewer.id} key={id}
                onClick={() => { setOpen(false); if (id !== getState().viewer) becomeUser(id); }}>
                <Avatar user={user} size={30} />
                <span>
                  <strong>{user.real_name}</strong>
                  <small>{role(id, workspace)} · {clockTime(new Date(now()), user)} in {user.tz.split("/")[1].replace("_", " ")} · {user.locale}</small>
                </span>
                <span aria-hidden="true">{id === viewer.id ? "✓" : ""}</span>
              </button>
            );
          })}
          <div className="menu-title">Appearance</div>
          <div className="themes">
            {["system", "light", "dark"].map((name) => (
              <button type="button" role="menuitemradio" aria-checked={theme === name} key={name} onClick={() => chooseTheme(name)}>{name}</button>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}

export function Sidebar() {
  const { workspace, byId } = useDirectory();
  const viewer = useStore((s) => s.viewer);
  const place = useStore((s) => s.place);
  const unread = useStore((s) => s.unread);
  const open = useStore((s) => s.sidebar);
  const channels = workspace.channels.filter((c) => !c.is_im && c.members.includes(viewer));
  const direct = `D${viewer.slice(1)}`;
  const appHere = place.kind === "home" || place.id === direct;
  return (
    <nav className={open ? "sidebar open" : "sidebar"} aria-label="Channels and apps">
      <h2>Channels</h2>
      {channels.map((c) => (
        <button type="button" key={c.id} className={unread[c.id] ? "unread" : ""} aria-current={place.id === c.id ? "page" : undefined}
          onClick={() => goTo({ kind: "channel", id: c.id })}>
          <span className="hash" aria-hidden="true">{c.is_private ? "🔒" : "#"}</span> {c.name}
          {c.is_archived && <small> (archived)</small>}
          {unread[c.id] > 0 && <span className="count" aria-label={`${unread[c.id]} unread`}>{unread[c.id]}</span>}
        </button>
      ))}
      <h2>Apps</h2>
      <button type="button" className={unread[direct] ? "unread" : ""} aria-current={appHere ? "page" : undefined}
        onClick={() => goTo(workspace.has_home_tab ? { kind: "home", id: "home" } : { kind: "channel", id: direct })}>
        <Avatar user={byId.get(workspace.app.bot_user_id)} size={20} /> {workspace.app.name}
        {unread[direct] > 0 && <span className="count" aria-label={`${unread[direct]} unread`}>{unread[direct]}</span>}
      </button>
    </nav>
  );
}
