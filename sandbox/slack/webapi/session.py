"""api.test, auth.test and apps.connections.open."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.slack.directory import Directory
from sandbox.slack.socketmode import SocketHub
from sandbox.slack.webapi.call import Call, Method
from sandbox.slack.wire import Json


@dataclass(frozen=True)
class Session:
    directory: Directory
    hub: SocketHub
    base_url: Callable[[], str]

    def methods(self) -> tuple[Method, ...]:
        return (
            Method("api.test", self.api_test),
            Method("auth.test", self.auth_test),
            Method("apps.connections.open", self.open_connection, ("connections:write",), app_level=True),
        )

    async def api_test(self, call: Call) -> Json:
        return {"args": {k: v for k, v in call.arguments.items() if k != "token"}}

    async def auth_test(self, call: Call) -> Json:
        app, team = self.directory.app, self.directory.team
        if call.token == app.app_token:
            return {"app_name": self.directory.users[app.bot_user_id].real_name, "app_id": app.id}
        return {
            "url": f"{self.base_url()}/", "team": team.name, "user": self.directory.users[app.bot_user_id].name,
            "team_id": team.id, "user_id": app.bot_user_id, "bot_id": app.bot_id, "is_enterprise_install": False,
        }  # fmt: skip

    async def open_connection(self, _call: Call) -> Json:
        address = self.base_url().replace("http", "ws", 1)
        return {"url": f"{address}/socket?ticket={self.hub.issue_ticket()}&app_id={self.directory.app.id}"}
