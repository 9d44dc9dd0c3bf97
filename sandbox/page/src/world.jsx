// The world behind the bot: the service and its cache as they are, and incidents to start and stop.
import { useCallback, useEffect, useState } from "react";
import { getWorld, postWorld } from "./api.js";
import { setClock } from "./dates.js";

const LOOK_EVERY_MS = 2000;
const SERVICES_SHOWN = 6;

const instant = (at) => {
  const date = new Date(typeof at === "number" ? at * 1000 : at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString().slice(0, 16).replace("T", " ");
};
const share = (value) => (typeof value === "number" ? `${(value * 100).toFixed(1)} %` : "no data");

const inProcess = (cache) => (cache ? `${cache.entries} entries in each of ${cache.instances} instances` : "no data");

function useWorld() {
  const [world, setWorld] = useState({ state: null, incidents: null, missing: false });
  const look = useCallback(async () => {
    const [state, incidents] = await Promise.all([getWorld("state"), getWorld("incidents")]);
    if (state) setClock(state.clock);
    setWorld({ state, incidents, missing: state === null });
  }, []);
  useEffect(() => {
    look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [look]);
  return [world, look];
}

function Facts({ rows }) {
  return (
    <dl className="facts">
      {rows.map(([name, value]) => (
        <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
      ))}
    </dl>
  );
}

function Ion({ ion }) {
  if (!ion) return <p>There are the cloud's APIs here, but no service.</p>;
  return (
    <Facts
      rows={[
        ["TTL that is served", `${ion.ttl_seconds} s`],
        ["TTL that is set", ion.ttl_setting === null ? "none" : `${ion.ttl_setting} s (version ${ion.ttl_version})`],
        ["Follows the setting", ion.ttl_followed ? "yes" : "no"],
        ["Hit rate, 5 min", share(ion.hit_rate?.["5"])],
        ["Hit rate, 60 min", share(ion.hit_rate?.["60"])],
        ["Answered in the process, 60 min", share(ion.in_process_rate?.["60"])],
        ["Process cache", inProcess(ion.in_process?.[0])],
        ["Requests, last minute", ion.requests_last_minute],
        ["Errors, last minute", ion.errors_last_minute],
        ["Cost this month", `$${Number(ion.month_usd).toFixed(2)}`],
        ["Cache", ion.cache_is_down ? "down" : "up"],
      ]}
    />
  );
}

function Services({ services }) {
  const more = services.length - SERVICES_SHOWN;
  return (
    <ul className="services">
      {services.slice(0, SERVICES_SHOWN).map((s) => (
        <li key={s.name}>
          <strong>{s.name}</strong> {s.latest_ready}
          {s.reconciling && " · reconciling"}
          <small>{Object.entries(s.traffic).map(([revision, percent]) => `${percent} % → ${revision || "latest"}`).join(", ")}</small>
        </li>
      ))}
      {more > 0 && <li>and {more} more</li>}
    </ul>
  );
}

function Incidents({ incidents, act }) {
  if (!incidents) return null;
  const active = incidents.active.filter((i) => !i.ended_at);
  return (
    <>
      <h2>Incidents</h2>
      {active.map((i) => (
        <div className="incident on" key={i.number}>
          <span><strong>{i.kind}</strong> since {instant(i.started_at)}{i.until ? `, until ${instant(i.until)}` : ""}</span>
          <button type="button" aria-label={`Stop ${i.kind}`} onClick={() => act("incident/stop", { number: i.number })}>Stop</button>
        </div>
      ))}
      {incidents.kinds.map((k) => (
        <div className="incident" key={k.name}>
          <span><strong>{k.name}</strong><small>{k.what}</small></span>
          <button type="button" aria-label={`Start ${k.name}`} onClick={() => act("incident", { kind: k.name })}>Start</button>
        </div>
      ))}
      {incidents.scenarios.length > 0 && <h2>Scenarios</h2>}
      {incidents.scenarios.map((s) => (
        <div className="incident" key={s.name}>
          <span><strong>{s.name}</strong><small>{s.title}</small></span>
          <button type="button" aria-label={`Play ${s.name}`} onClick={() => act("scenario", { name: s.name })}>Play</button>
        </div>
      ))}
      {incidents.planned.length > 0 && <p>Planned: {incidents.planned.map((p) => `${p.kind} at ${instant(p.at)}`).join(", ")}</p>}
    </>
  );
}

export function World() {
  const [{ state, incidents, missing }, look] = useWorld();
  const [problem, setProblem] = useState("");
  const act = async (name, body) => {
    const answer = await postWorld(name, body);
    setProblem(answer.ok ? "" : answer.error);
    look();
  };
  if (missing) return <p className="empty">This sandbox has Slack alone: no service and no cloud.</p>;
  if (!state) return <p className="empty">Looking…</p>;
  return (
    <div className="faults world">
      <p>
        It is <time dateTime={state.now}>{instant(state.now)}</time> UTC in the service's world
        {state.clock.scale === 1 ? "." : `, which runs ${state.clock.scale} times as fast.`}
      </p>
      <Ion ion={state.ion} />
      <Services services={state.services} />
      {problem && <p className="error" role="alert">{problem}</p>}
      <Incidents incidents={incidents} act={act} />
    </div>
  );
}
