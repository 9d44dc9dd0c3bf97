"""views.open, views.push, views.update, views.publish."""

from dataclasses import dataclass

from sandbox.slack.blockkit import surfaces
from sandbox.slack.directory import Directory
from sandbox.slack.errors import SlackError, invalid_arguments
from sandbox.slack.manifest import Manifest
from sandbox.slack.triggers import Triggers
from sandbox.slack.views import View, Views
from sandbox.slack.webapi.call import Call, Method
from sandbox.slack.wire import Json


@dataclass(frozen=True)
class ViewMethods:
    directory: Directory
    manifest: Manifest
    views: Views
    triggers: Triggers

    def methods(self) -> tuple[Method, ...]:
        return (
            Method("views.open", self.open),
            Method("views.push", self.push),
            Method("views.update", self.update),
            Method("views.publish", self.publish),
        )

    async def open(self, call: Call) -> Json:
        content = self._content(call, "modal")
        return self._answer(self.views.open(self.triggers.exchange(call.text("trigger_id")), content))

    async def push(self, call: Call) -> Json:
        content = self._content(call, "modal")
        return self._answer(self.views.push(self.triggers.exchange(call.text("trigger_id")), content))

    async def update(self, call: Call) -> Json:
        content = self._content(call, None)
        view_id, external_id = call.maybe_text("view_id"), call.maybe_text("external_id")
        if view_id is None and external_id is None:
            raise invalid_arguments("missing required field: view_id or external_id")
        view = self.views.find(view_id=view_id, external_id=external_id)
        if view is None:
            raise SlackError("not_found")
        return self._answer(self.views.update(view, content, call.maybe_text("hash")))

    async def publish(self, call: Call) -> Json:
        user_id = call.text("user_id")
        if user_id not in self.directory.people:
            raise SlackError("user_not_found")
        if not self.manifest.has_home_tab:
            raise SlackError("not_enabled")
        return self._answer(self.views.publish(user_id, self._content(call, "home"), call.maybe_text("hash")))

    def _content(self, call: Call, kind: str | None) -> Json:
        content = surfaces.view(call.arguments.get("view"))
        if kind is not None and content["type"] != kind:
            raise invalid_arguments(f"must be a view of type {kind} [json-pointer:/view/type]")
        return content

    def _answer(self, view: View) -> Json:
        return {"view": self.views.wire(view)}
