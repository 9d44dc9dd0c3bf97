"""/control/world/: look at ION and Google Cloud, and make things go wrong. JSON in, JSON out.

GET  state                    the clock, the TTL that is followed, hit rate, services, faults
GET  notifications            what notification channels were told, and the incidents of alert policies
GET  calls                    how often each method was called
GET  clock                    now, the wall's time, scale and origin: now = origin + (wall - origin) * scale
POST clock       {scale}      another pace from now on; answers with the new pair, which others must be told
POST ttl-follow  {on}         whether ION reads the TTL setting and acknowledges it
POST pause       {on}         no requests while paused
POST fault       {method, code?, message?, delay_seconds?, times?, after?}    "Services/UpdateService", "*"
POST updates     {outcomes: ["fails", "never_ends", "never_ready"]}     of the next updates of Cloud Run, one each
POST permissions {denied: ["run.services.update", "monitoring.*"]}
POST metrics     {off?: pattern, late?: {pattern: seconds}, on?: true}
POST series      {metric: pattern, label?, value?, gone?: true, late?: seconds, times?: K}   one label value
POST quota       {limits: {"MetricService/List*": 10}}     calls a minute of service time; {} sets the usual ones
GET  certs                    the certificates of the tokens with which Pub/Sub pushes, as LUMEN_CERTS_URL
POST pubsub      {duplicates?, disorder?}    the share of the messages that come twice; whether they come in any order
POST demand      {factor}     multiplies the requests
POST deploy      {service?, image?, error_share?, slow_factor?, fails?}       a release by the service's own pipeline
POST clear       {}           no faults, all permissions, nothing stuck, metrics on time, usual demand
"""

import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import grpc
from aiohttp import web

from sandbox.clock import Clock
from sandbox.control.requests import BadRequest, Body, Deed, does, number, reads, table, texts
from sandbox.google.cloud import GoogleCloud
from sandbox.google.faults import MethodFault
from sandbox.google.monitoring.store import LabelFault
from sandbox.google.quota import LIMITS, Quotas
from sandbox.google.run.service import Outcome
from sandbox.ion.behaviour import NO_START, Behaviour
from sandbox.ion.place import image_of
from sandbox.ion.world import World

#: Of service time, a delay or a lateness; and of calls, in numbers that people mean.
LONGEST_SECONDS, MOST_TIMES = 42 * 86_400.0, 1_000_000
SLOWEST, FASTEST = 0.1, 1000.0  # paces of the clock that the world keeps up with


class WorldControl:
    """The handlers."""

    def __init__(self, clock: Clock, cloud: GoogleCloud, world: World | None) -> None:
        """`world` None: the APIs alone, without ION."""
        self._clock = clock
        self._cloud = cloud
        self._world = world

    def mount(self, application: web.Application) -> None:
        """Add the routes; the application has the loopback guard among its middlewares."""
        posts: dict[str, Deed] = {
            "clock": self.run_at,
            "ttl-follow": self.ttl_follow,
            "pause": self.pause,
            "fault": self.fault,
            "updates": self.updates,
            "permissions": self.permissions,
            "metrics": self.metrics,
            "series": self.series,
            "quota": self.quota,
            "pubsub": self.pubsub,
            "demand": self.demand,
            "deploy": self.deploy,
            "clear": self.clear,
        }
        application.router.add_get("/control/world/state", reads(self.state))
        application.router.add_get("/control/world/clock", reads(self.clock))
        application.router.add_get("/control/world/calls", reads(self.calls))
        application.router.add_get("/control/world/notifications", reads(self.notifications))
        application.router.add_get("/control/world/certs", reads(self.certs))
        for name, deed in posts.items():
            application.router.add_post(f"/control/world/{name}", does(deed))

    def _ion(self) -> World:
        if self._world is None:
            raise BadRequest("the sandbox runs without ION (--no-ion)")
        return self._world

    # Looking

    def state(self) -> Body:
        self._cloud.advance()
        return {
            "now": self._clock.now().isoformat(),
            "clock": {"scale": self._clock.scale, "origin": self._clock.origin.isoformat()},
            "services": [self._service(s.message) for s in self._cloud.cloud_run.services.values()],
            "denied": sorted(self._cloud.faults.denied),
            "faults": [f.method for f in self._cloud.faults.methods],
            "ion": None if self._world is None else self._ion_state(self._world),
        }

    def clock(self) -> Body:
        clock = self._clock
        return {
            "now": clock.now().isoformat(),
            "wall": clock.wall_now().isoformat(),
            "scale": clock.scale,
            "origin": clock.origin.isoformat(),
        }

    def _service(self, message: Any) -> Body:
        return {
            "name": message.name.rsplit("/", 1)[-1],
            "latest_ready": message.latest_ready_revision.rsplit("/", 1)[-1],
            "latest_created": message.latest_created_revision.rsplit("/", 1)[-1],
            "reconciling": message.reconciling,
            "min_instances": message.scaling.min_instance_count,
            "traffic": {s.revision: s.percent for s in message.traffic_statuses},
        }

    def _ion_state(self, world: World) -> Body:
        ledger = world.ledger
        last = ledger.minutes[-1] if ledger.minutes else None
        return {
            "ttl_seconds": world.serving_ttl_seconds(),
            "ttl_setting": world.ttl.value,
            "ttl_version": world.ttl.version,
            "ttl_followed": world.ttl.following,
            "hit_rate": {str(minutes): ledger.hit_rate(minutes) for minutes in (5, 10, 30, 60)},
            "in_process_rate": {str(minutes): ledger.in_process_rate(minutes) for minutes in (5, 10, 30, 60)},
            "in_process": [
                {"service": s, "revision": r, "entries": c.entries, "instances": c.instances, "answers": c.answers}
                for (s, r), c in world.process_caches().items()
            ],
            "requests_last_minute": last.requests if last else 0,
            "errors_last_minute": last.errors if last else 0,
            "demand_factor": world.demand.factor,
            "month_usd": round(ledger.month_usd, 4),
            "cache_is_down": world.cache_is_down,
            "paused": world.paused,
            "lived_until": datetime.fromtimestamp(world.lived_until, UTC).isoformat(),
        }

    def calls(self) -> Body:
        return dict(self._cloud.server.calls)

    def notifications(self) -> Body:
        self._cloud.advance()
        return {
            "sent": [asdict(n) for n in self._cloud.channels.sent],
            "incidents": [asdict(i) for i in self._cloud.alert_policies.incidents],
        }

    # Doing

    async def run_at(self, body: Body) -> Body:
        scale = number(body, "scale", math.nan, SLOWEST, FASTEST)
        if math.isnan(scale):
            raise BadRequest(f"scale is needed: a number from {SLOWEST} to {FASTEST:g}")
        if self._world is not None:
            await self._world.run_at(scale)
        else:
            self._clock.run_at(scale)
        return self.clock()

    def ttl_follow(self, body: Body) -> Body:
        self._ion().follow(on=bool(body.get("on", True)))
        return {"following": self._ion().ttl.following}

    def pause(self, body: Body) -> Body:
        self._ion().paused = bool(body.get("on", True))
        return {"paused": self._ion().paused}

    def fault(self, body: Body) -> Body:
        method = str(body.get("method") or "")
        if not method:
            raise BadRequest('method is needed, such as "Services/UpdateService" or "*"')
        times = None if body.get("times") is None else int(number(body, "times", 1, 0, MOST_TIMES))
        fault = MethodFault(
            method,
            _code(body.get("code")),
            str(body.get("message") or ""),
            number(body, "delay_seconds", 0.0, 0.0, LONGEST_SECONDS),
            times,
            bool(body.get("after", False)),
        )
        self._cloud.faults.methods.append(fault)
        return {"faults": len(self._cloud.faults.methods)}

    def certs(self) -> Body:
        return dict(self._cloud.extras.signer.certificates())

    def pubsub(self, body: Body) -> Body:
        trouble = self._cloud.extras.trouble
        trouble.duplicates = number(body, "duplicates", 0.0, 0.0, 1.0)
        trouble.disorder = bool(body.get("disorder", False))
        return {"duplicates": trouble.duplicates, "disorder": trouble.disorder}

    def updates(self, body: Body) -> Body:
        self._cloud.cloud_run.outcomes = [_outcome(name) for name in texts(body, "outcomes")]
        return {"outcomes": [str(outcome) for outcome in self._cloud.cloud_run.outcomes]}

    def permissions(self, body: Body) -> Body:
        self._cloud.faults.denied = set(texts(body, "denied"))
        return {"denied": sorted(self._cloud.faults.denied)}

    def metrics(self, body: Body) -> Body:
        store = self._cloud.series
        late = table(body, "late")
        seconds_late = {name: number(late, name, 0.0, 0.0, LONGEST_SECONDS) for name in late}
        if body.get("on"):
            store.end_outages()
            store.delays.extra.clear()
        if body.get("off"):
            store.start_outage(str(body["off"]))
        store.delays.extra |= seconds_late
        return {"off": [o.metric for o in store.outages if o.until is None], "late": dict(store.delays.extra)}

    def series(self, body: Body) -> Body:
        """Until `metrics` is told {on: true}."""
        store, kinds = self._cloud.series, [kind for kind in ("gone", "late", "times") if body.get(kind) is not None]
        if not body.get("metric") or len(kinds) != 1 or bool(body.get("label")) != bool(body.get("value")):
            raise BadRequest("metric, label and value (or neither), and one of gone: true, late: seconds, times: K")
        if kinds[0] != "gone" and not float(body[kinds[0]]) > 0:
            raise BadRequest(f"{kinds[0]} {body[kinds[0]]!r}: above 0")
        store.label_faults.append(
            LabelFault(
                str(body["metric"]),
                str(body.get("label") or ""),
                str(body.get("value") or ""),
                store.now(),
                float(body.get("late") or 0.0),
                None if body.get("times") is None else float(body["times"]),
            )
        )
        return {"series": [f"{f.metric} {f.label}={f.value}" for f in store.label_faults if f.until is None]}

    def quota(self, body: Body) -> Body:
        limits = table(body, "limits")
        given = {name: int(number(limits, name, 0, 0, MOST_TIMES)) for name in limits}
        quotas = Quotas(self._clock.seconds, {**LIMITS, **given})
        self._cloud.faults.quotas = quotas
        return {"limits": quotas.limits}

    def demand(self, body: Body) -> Body:
        factor = number(body, "factor", 1.0, 0.0, 100.0)
        self._ion().demand.factor = factor
        return {"factor": factor}

    def deploy(self, body: Body) -> Body:
        world = self._ion()
        service = str(body.get("service") or world.config.services[0].name)
        release = world.behaviours.next_number()
        image = str(body.get("image") or image_of(world.config, f"{service}-release-{release}"))
        world.behaviours.set(
            image,
            Behaviour(
                number(body, "error_share", 0.0, 0.0, 1.0),
                number(body, "slow_factor", 1.0, 0.01, 100.0),
                NO_START if body.get("fails") else "",
            ),
        )
        revision = self._cloud.cloud_run.deploy(f"{world.config.location}/services/{service}", image)
        return {"revision": revision, "image": image}

    def clear(self, _body: Body) -> Body:
        self._cloud.faults.methods.clear()
        self.quota({})
        self._cloud.faults.denied.clear()
        self._cloud.cloud_run.let_go()
        self.metrics({"on": True})
        if self._world is not None:
            self._world.demand.factor = 1.0
            self._world.follow(on=True)
            self._world.paused = False
        return {}


def _outcome(name: str) -> Outcome:
    try:
        return Outcome(name)
    except ValueError as error:
        raise BadRequest(f"outcome {name!r}: one of {', '.join(Outcome)}") from error


def _code(name: object) -> grpc.StatusCode | None:
    if not name:
        return None
    try:
        return grpc.StatusCode[str(name).upper()]
    except KeyError as error:
        raise BadRequest(f"code {name!r}: one of {', '.join(c.name for c in grpc.StatusCode)}") from error
