"""users.info, usergroups.list, usergroups.users.list."""

from dataclasses import dataclass

from sandbox.slack.directory import Directory
from sandbox.slack.errors import SlackError
from sandbox.slack.webapi.call import Call, Method
from sandbox.slack.wire import Json


@dataclass(frozen=True)
class People:
    directory: Directory

    def methods(self) -> tuple[Method, ...]:
        return (
            Method("users.info", self.user, ("users:read",)),
            Method("usergroups.list", self.groups, ("usergroups:read",)),
            Method("usergroups.users.list", self.group_members, ("usergroups:read",)),
        )

    async def user(self, call: Call) -> Json:
        user = self.directory.users.get(call.text("user"))
        if user is None:
            raise SlackError("user_not_found")
        return {"user": user.wire(self.directory.team.id, include_locale=call.flag("include_locale"))}

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
