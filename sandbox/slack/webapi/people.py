"""users.info and list, bots.info, team.info, usergroups.list, usergroups.users.list."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.slack.directory import Directory, User
from sandbox.slack.errors import SlackError
from sandbox.slack.webapi.call import Call, Method, page
from sandbox.slack.wire import Json


@dataclass(frozen=True)
class People:
    directory: Directory
    base_url: Callable[[], str]

    def methods(self) -> tuple[Method, ...]:
        return (
            Method("users.info", self.user, ("users:read",)),
            Method("users.list", self.users, ("users:read",)),
            Method("bots.info", self.bot, ("users:read",)),
            Method("team.info", self.team, ("team:read",)),
            Method("usergroups.list", self.groups, ("usergroups:read",)),
            Method("usergroups.users.list", self.group_members, ("usergroups:read",)),
        )

    async def user(self, call: Call) -> Json:
        user = self.directory.users.get(call.text("user"))
        if user is None:
            raise SlackError("user_not_found")
        return {"user": self._wire(user, call)}

    async def users(self, call: Call) -> Json:
        found, cursor = page([*self.directory.users.values()], call, default=1000)
        return {
            "members": [self._wire(user, call) for user in found],
            "cache_ts": 0,
            "response_metadata": {"next_cursor": cursor},
        }

    def _wire(self, user: User, call: Call) -> Json:
        wire = user.wire(self.directory.team.id, include_locale=call.flag("include_locale"))
        app = self.directory.app
        if user.id == app.bot_user_id:
            wire["profile"] |= {"bot_id": app.bot_id, "api_app_id": app.id, "always_active": True}
        return wire

    async def bot(self, call: Call) -> Json:
        """Without `bot` Slack answers with `ok` and nothing else."""
        app, asked = self.directory.app, call.maybe_text("bot")
        if asked is None:
            return {}
        if asked != app.bot_id:
            raise SlackError("bot_not_found")
        name = self.directory.users[app.bot_user_id].real_name
        bot = {"id": app.bot_id, "deleted": False, "name": name, "updated": 0, "app_id": app.id, "icons": {}}
        return {"bot": bot | {"user_id": app.bot_user_id}}

    async def team(self, call: Call) -> Json:
        team = self.directory.team
        if call.maybe_text("team") not in (None, team.id):
            raise SlackError("team_not_found")
        url = f"{self.base_url()}/"
        return {"team": {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": "", "url": url,
                         "icon": {"image_default": True}}}  # fmt: skip

    async def groups(self, call: Call) -> Json:
        with_users = call.flag("include_users")
        return {
            "usergroups": [
                {
                    "id": g.id, "team_id": self.directory.team.id, "is_usergroup": True, "name": g.name,
                    "handle": g.handle, "user_count": len(g.members), "date_delete": 0,
                } | ({"users": list(g.members)} if with_users else {})
                for g in self.directory.groups.values()
            ]
        }  # fmt: skip

    async def group_members(self, call: Call) -> Json:
        group = self.directory.groups.get(call.text("usergroup"))
        if group is None:
            raise SlackError("no_such_subteam")
        return {"users": list(group.members)}
