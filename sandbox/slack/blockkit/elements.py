"""Block elements: buttons, menus, inputs, pictures; each with the limits of the documentation."""

from typing import Any

from sandbox.slack.blockkit.compositions import (
    CONFIRM,
    CONVERSATION_FILTER,
    DISPATCH_CONFIG,
    OPTION_GROUP,
    OVERFLOW_OPTION,
    PLAIN_OPTION,
    RICH_OPTION,
    plain_text,
)
from sandbox.slack.blockkit.rules import (
    Report,
    Rule,
    Shape,
    anything,
    boolean,
    items,
    link,
    one_of,
    string,
    web_address,
    whole,
)

ACTION_ID = string(255, 1)
LABEL = string(75, 1)
_FOCUS: dict[str, Rule] = {"action_id": ACTION_ID, "focus_on_load": boolean}
_MENU: dict[str, Rule] = {**_FOCUS, "confirm": CONFIRM, "placeholder": plain_text(150)}
_MANY: dict[str, Rule] = {"max_selected_items": whole(1, 100)}
_INPUT: dict[str, Rule] = {**_FOCUS, "placeholder": plain_text(150), "dispatch_action_config": DISPATCH_CONFIG}
_OPTIONS: dict[str, Rule] = {"options": items(PLAIN_OPTION, 100, 1), "option_groups": items(OPTION_GROUP, 100, 1)}


def _one_list_of_options(report: Report, value: Any, path: str) -> None:
    if ("options" in value) == ("option_groups" in value):
        report.say("must define either `options` or `option_groups`", path)


IMAGE = Shape({"alt_text": string(2000), "image_url": web_address})
BUTTON = Shape(
    {"text": plain_text(75)},
    {
        "action_id": ACTION_ID,
        "url": link,
        "value": string(2000),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": LABEL,
    },
)
_FEEDBACK_BUTTON = Shape({"text": plain_text(75), "value": string(2000)}, {"accessibility_label": LABEL})

ELEMENTS: dict[str, Rule] = {
    "button": BUTTON,
    "workflow_button": Shape(
        {"text": plain_text(75), "workflow": anything},
        {"action_id": ACTION_ID, "style": one_of("primary", "danger"), "accessibility_label": LABEL},
    ),
    "icon_button": Shape(
        {"icon": one_of("trash"), "text": plain_text(75)},
        {
            "action_id": ACTION_ID,
            "value": string(2000),
            "confirm": CONFIRM,
            "accessibility_label": LABEL,
            "visible_to_user_ids": anything,
        },
    ),
    "feedback_buttons": Shape(
        {"positive_button": _FEEDBACK_BUTTON, "negative_button": _FEEDBACK_BUTTON}, {"action_id": ACTION_ID}
    ),
    "checkboxes": Shape(
        {"options": items(RICH_OPTION, 10, 1)},
        {**_FOCUS, "confirm": CONFIRM, "initial_options": items(RICH_OPTION, 10)},
    ),
    "radio_buttons": Shape(
        {"options": items(RICH_OPTION, 10, 1)}, {**_FOCUS, "confirm": CONFIRM, "initial_option": RICH_OPTION}
    ),
    "overflow": Shape({"options": items(OVERFLOW_OPTION, 5, 1)}, {"action_id": ACTION_ID, "confirm": CONFIRM}),
    "datepicker": Shape({}, {**_MENU, "initial_date": string(10)}),
    "timepicker": Shape({}, {**_MENU, "initial_time": string(5), "timezone": string(100)}),
    "datetimepicker": Shape({}, {**_FOCUS, "confirm": CONFIRM, "initial_date_time": whole(0, 9_999_999_999)}),
    "static_select": Shape({}, {**_MENU, **_OPTIONS, "initial_option": PLAIN_OPTION}, also=_one_list_of_options),
    "external_select": Shape({}, {**_MENU, "initial_option": PLAIN_OPTION, "min_query_length": whole(0, 100)}),
    "users_select": Shape({}, {**_MENU, "initial_user": string(255)}),
    "conversations_select": Shape(
        {},
        {
            **_MENU,
            "initial_conversation": string(255),
            "default_to_current_conversation": boolean,
            "response_url_enabled": boolean,
            "filter": CONVERSATION_FILTER,
        },
    ),
    "channels_select": Shape({}, {**_MENU, "initial_channel": string(255), "response_url_enabled": boolean}),
    "multi_static_select": Shape(
        {}, {**_MENU, **_MANY, **_OPTIONS, "initial_options": items(PLAIN_OPTION, 100)}, also=_one_list_of_options
    ),
    "multi_external_select": Shape(
        {}, {**_MENU, **_MANY, "initial_options": items(PLAIN_OPTION, 100), "min_query_length": whole(0, 100)}
    ),
    "multi_users_select": Shape({}, {**_MENU, **_MANY, "initial_users": anything}),
    "multi_conversations_select": Shape(
        {},
        {
            **_MENU,
            **_MANY,
            "initial_conversations": anything,
            "default_to_current_conversation": boolean,
            "filter": CONVERSATION_FILTER,
        },
    ),
    "multi_channels_select": Shape({}, {**_MENU, **_MANY, "initial_channels": anything}),
    "plain_text_input": Shape(
        {},
        {
            **_INPUT,
            "initial_value": string(3000),
            "multiline": boolean,
            "min_length": whole(0, 3000),
            "max_length": whole(1, 3000),
        },
    ),
    "email_text_input": Shape({}, {**_INPUT, "initial_value": string(3000)}),
    "url_text_input": Shape({}, {**_INPUT, "initial_value": string(3000)}),
    "number_input": Shape(
        {"is_decimal_allowed": boolean},
        {**_INPUT, "initial_value": anything, "min_value": anything, "max_value": anything},
    ),
    "rich_text_input": Shape({}, {**_INPUT, "initial_value": anything, "max_lines": whole(1, 100)}),
    "file_input": Shape({}, {"action_id": ACTION_ID, "filetypes": anything, "max_files": whole(1, 10)}),
    "image": IMAGE,
}

MENUS = frozenset(name for name in ELEMENTS if name.endswith("_select"))
PICKERS = frozenset({"datepicker", "timepicker", "datetimepicker"})
CHOICES = frozenset({"checkboxes", "radio_buttons"})

IN_ACTIONS = MENUS | PICKERS | CHOICES | {"button", "overflow", "workflow_button", "rich_text_input"}
IN_SECTION = MENUS | CHOICES | {"datepicker", "timepicker", "button", "overflow", "workflow_button", "image"}
IN_INPUT = (
    MENUS
    | PICKERS
    | CHOICES
    | {
        "plain_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "rich_text_input",
        "file_input",
    }
)
IN_CONTEXT_ACTIONS = frozenset({"feedback_buttons", "icon_button"})
