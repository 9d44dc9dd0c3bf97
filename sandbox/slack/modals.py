"""An app's answers to a submitted modal: close it, clear all, show errors, put another view there or on top."""

from dataclasses import dataclass

from sandbox.slack.blockkit import surfaces
from sandbox.slack.errors import SlackError
from sandbox.slack.socketmode import Delivery
from sandbox.slack.views import View, Views


@dataclass(frozen=True)
class Modals:
    views: Views

    def carry_out(self, view: View, delivery: Delivery) -> None:
        """An empty ack closes the view; no ack leaves it open with Slack's own words of trouble."""
        if delivery.error is not None:
            view.trouble = delivery.error
            self.views.tell(view.user_id)
            return
        answer = delivery.payload
        action = answer.get("response_action")
        try:
            match action:
                case None:
                    self.views.close(view)
                case "clear":
                    self.views.close(view, everything=True)
                case "errors":
                    self._show_errors(view, answer.get("errors"))
                case "update":
                    self.views.update(view, surfaces.view(answer.get("view")))
                case "push":
                    self.views.push(view.user_id, surfaces.view(answer.get("view")))
                case _:
                    raise SlackError("invalid_response_action")
        except SlackError as refused:
            # Slack shows its general words here and tells the app nothing: the inspector shows the code.
            view.trouble = refused.code
            self.views.tell(view.user_id)

    def _show_errors(self, view: View, errors: object) -> None:
        known = {b["block_id"] for b in view.content["blocks"] if b["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not set(errors) <= known:
            raise SlackError("invalid_errors")
        view.errors = {str(block_id): str(text) for block_id, text in errors.items()}
        self.views.tell(view.user_id)
