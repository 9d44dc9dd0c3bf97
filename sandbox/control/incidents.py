"""/control/world/incidents: what can go wrong, what is going wrong, and the truth about it.

GET  incidents              kinds with their parameters, shipped scenarios, what goes on and what is planned
GET  labels                 the truth so far, a JSON object a line
POST incident               {kind, for?: "45m", …parameters}
POST incident/stop          {number} or {all: true}
POST scenario               {name} of a shipped one, or {yaml: text}
"""

import json
from typing import Any

from aiohttp import web

from sandbox.control.requests import BadRequest, Body, does, number, reads
from sandbox.incidents.runner import KINDS, Incident, Incidents
from sandbox.incidents.scenario import read, seconds_of, shipped


class IncidentControl:
    """The handlers."""

    def __init__(self, incidents: Incidents) -> None:
        self._incidents = incidents

    def mount(self, application: web.Application) -> None:
        """Add the routes; the application has the loopback guard among its middlewares."""
        router = application.router
        router.add_get("/control/world/incidents", reads(self.overview))
        router.add_get("/control/world/labels", self.labels)
        router.add_post("/control/world/incident", does(self.start))
        router.add_post("/control/world/incident/stop", does(self.stop))
        router.add_post("/control/world/scenario", does(self.play))

    def overview(self) -> Body:
        return {
            "kinds": [
                {
                    "name": kind.name,
                    "what": kind.what,
                    "label": kind.label,
                    "parameters": [{"name": p.name, "default": p.default, "what": p.what} for p in kind.parameters],
                }
                for kind in KINDS.values()
            ],
            "scenarios": [{"name": s.name, "title": s.title, "steps": len(s.steps)} for s in shipped().values()],
            "active": [_shown(i) for i in self._incidents.active],
            "planned": [{"at": at, "kind": kind} for at, kind in self._incidents.planned],
        }

    async def labels(self, _request: web.Request) -> web.Response:
        lines = "".join(json.dumps(label) + "\n" for label in self._incidents.labels())
        return web.Response(text=lines, content_type="application/x-ndjson")

    async def start(self, body: Body) -> Body:
        given = {k: v for k, v in body.items() if k not in ("kind", "for")}
        lasts = seconds_of(body["for"], "for") if body.get("for") else None
        return _shown(await self._incidents.start(str(body.get("kind") or ""), given, lasts))

    async def stop(self, body: Body) -> Body:
        if body.get("all"):
            await self._incidents.stop_all()
            return {"active": []}
        return _shown(await self._incidents.stop(int(number(body, "number", 0, 0, 1_000_000))))

    async def play(self, body: Body) -> Body:
        if body.get("yaml"):
            scenario = read(str(body["yaml"]))
        else:
            known = shipped()
            if str(body.get("name")) not in known:
                raise BadRequest(f"no scenario {body.get('name')!r}; there are {', '.join(known)}")
            scenario = known[str(body["name"])]
        self._incidents.play(scenario)
        return {"planned": [{"at": at, "kind": kind} for at, kind in self._incidents.planned]}


def _shown(incident: Incident) -> dict[str, Any]:
    return {
        "number": incident.number,
        "kind": incident.kind.name,
        "parameters": dict(incident.parameters),
        "started_at": incident.started_at,
        "until": incident.until,
        "ended_at": incident.ended_at,
    }
