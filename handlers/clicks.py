"""Pure: the payload of a click -> what was clicked, by whom, on which proposal."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from handlers.answering import Addressee
from handlers.people import person_of_click
from lumen.model.service import Person, ServiceId

#: The form of a button's value; a message that an older Lumen posted may carry another one.
VALUE_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Click:
    """One click on a button of a proposal. `click_id` is the same however often Slack delivers it."""

    action_id: str
    service: ServiceId
    proposal_id: str
    person: Person
    click_id: str
    app_id: str
    trigger_id: str
    to: Addressee


def addressee(body: Mapping[str, Any]) -> Addressee:
    """Whom to answer, and where."""
    container = body.get("container") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or ""
    return Addressee(str(body["user"]["id"]), str(channel), str(body.get("response_url") or ""))


def read_click(body: Mapping[str, Any]) -> Click | None:
    """None for a button whose value this Lumen did not write."""
    action = body["actions"][0]
    meant = _read_value(str(action.get("value", "")))
    if meant is None:
        return None
    service, proposal_id = meant
    person = person_of_click(body)
    container = body.get("container") or {}
    message_ts = container.get("message_ts") or container.get("view_id") or ""
    return Click(
        action_id=str(action["action_id"]),
        service=service,
        proposal_id=proposal_id,
        person=person,
        click_id=f"{action.get('action_ts', '')}:{person.user_id}:{message_ts}:{action['action_id']}",
        app_id=str(body.get("api_app_id", "")),
        trigger_id=str(body.get("trigger_id", "")),
        to=addressee(body),
    )


def owed_to(click: Click) -> str:
    """The click as it is stored until its person has been told; of one line."""
    written = asdict(click) | {"service": click.service.key}
    return json.dumps({name: value for name, value in written.items() if name not in ("app_id", "trigger_id")})


def click_that_was_owed(text: str) -> Click | None:
    """What `owed_to` wrote; None where another Lumen wrote it otherwise."""
    try:
        written = json.loads(text)
        return Click(
            action_id=str(written["action_id"]),
            service=ServiceId.from_key(str(written["service"])),
            proposal_id=str(written["proposal_id"]),
            person=Person(**written["person"]),
            click_id=str(written["click_id"]),
            app_id="",
            trigger_id="",
            to=Addressee(**written["to"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _read_value(value: str) -> tuple[ServiceId, str] | None:
    pieces = value.split(" ")
    if len(pieces) != 3 or pieces[0] != VALUE_VERSION or not pieces[2]:
        return None
    try:
        return ServiceId.from_key(pieces[1]), pieces[2]
    except ValueError:
        return None
