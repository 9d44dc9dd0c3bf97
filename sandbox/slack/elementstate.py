"""A person's choices in menus, pickers and inputs, in the form that payloads carry them."""

from collections.abc import Iterator
from typing import Any

from sandbox.slack.errors import ControlError
from sandbox.slack.wire import Json

_ONE_OF_THE_WORKSPACE = {
    "users_select": "user",
    "conversations_select": "conversation",
    "channels_select": "channel",
}
_PICKED = {"datepicker": "date", "timepicker": "time", "datetimepicker": "date_time"}
_OPTION = {"static_select", "external_select", "radio_buttons", "overflow"}
_OPTIONS = {"multi_static_select", "multi_external_select", "checkboxes"}
_TYPED = {"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input"}
_WITHOUT_STATE = {"button", "overflow", "image", "icon_button", "feedback_buttons", "workflow_button"}


def elements_of(blocks: Any) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with its block."""
    for block in blocks:
        if block.get("type") in {"actions", "context_actions"}:
            for element in block.get("elements", ()):
                yield block, element
        for name in ("accessory", "element"):
            element = block.get(name)
            if isinstance(element, dict) and element.get("action_id"):
                yield block, element
        for card in block.get("elements", ()) if block.get("type") == "carousel" else ():
            yield from ((block, button) for button in card.get("actions", ()))
        if block.get("type") == "card":
            yield from ((block, button) for button in block.get("actions", ()))


def initial_state(blocks: Any) -> Json:
    """`state.values` before anybody touched anything."""
    values: Json = {}
    for block, element in elements_of(blocks):
        if element["type"] not in _WITHOUT_STATE:
            values.setdefault(block["block_id"], {})[element["action_id"]] = {
                "type": element["type"],
                **_initially(element),
            }
    return values


def _initially(element: Json) -> Json:  # noqa: PLR0911 — one return for each family of elements
    kind = element["type"]
    if kind in _TYPED:
        return {"value": element.get("initial_value")}
    if kind in _PICKED:
        return {f"selected_{_PICKED[kind]}": element.get(f"initial_{_PICKED[kind]}")}
    if kind in _OPTION:
        return {"selected_option": element.get("initial_option")}
    if kind in _OPTIONS:
        return {"selected_options": element.get("initial_options", [])}
    thing = _ONE_OF_THE_WORKSPACE.get(kind.removeprefix("multi_"))
    if thing is None:
        return {}
    if kind.startswith("multi_"):
        return {f"selected_{thing}s": element.get(f"initial_{thing}s", [])}
    return {f"selected_{thing}": element.get(f"initial_{thing}")}


def chosen(element: Json, value: Any) -> Json:  # noqa: PLR0911 — one return for each family of elements
    """`value` in the form of this element; raises ControlError for one that it does not offer."""
    kind = element["type"]
    if kind == "button":
        return {"value": element["value"]} if "value" in element else {}
    if kind in _TYPED:
        return {"value": value}
    if kind in _PICKED:
        return {f"selected_{_PICKED[kind]}": value}
    if kind in _OPTION:
        return {"selected_option": _option(element, value) if value not in (None, "") else None}
    if kind in _OPTIONS:
        return {"selected_options": [_option(element, v) for v in value or ()]}
    thing = _ONE_OF_THE_WORKSPACE.get(kind.removeprefix("multi_"))
    if thing is None:
        return {"value": value if value is not None else element.get("value", "")}
    return {f"selected_{thing}s" if kind.startswith("multi_") else f"selected_{thing}": value}


def _option(element: Json, value: Any) -> Json:
    offered = [*element.get("options", ()), *(o for g in element.get("option_groups", ()) for o in g["options"])]
    for option in offered:
        if option.get("value") == value:
            return dict(option)
    known = ", ".join(str(o.get("value")) for o in offered) or "none"
    raise ControlError(f"{element['action_id']} offers no option {value!r}; it offers: {known}", status=422)


def what_is_missing(blocks: Any, values: Json) -> dict[str, str]:
    """The errors that Slack shows by itself, by block id: required inputs left empty, texts too short or too long."""
    errors: dict[str, str] = {}
    for block in blocks:
        if block.get("type") != "input":
            continue
        element = block["element"]
        entry = values.get(block["block_id"], {}).get(element["action_id"], {})
        given = next((v for name, v in entry.items() if name != "type"), None)
        if given in (None, "", []):
            if not block.get("optional"):
                errors[block["block_id"]] = "Please complete this required field."
        elif isinstance(given, str):
            if len(given) > int(element.get("max_length", 3000)):
                errors[block["block_id"]] = f"Must be at most {element.get('max_length', 3000)} characters."
            elif len(given) < int(element.get("min_length", 0)):
                errors[block["block_id"]] = f"Must be at least {element['min_length']} characters."
    return errors
