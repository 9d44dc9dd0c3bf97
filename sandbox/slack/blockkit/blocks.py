"""The blocks themselves: what each must and may carry."""

from typing import Any

from sandbox.slack.blockkit.charts import CHART, count_charts
from sandbox.slack.blockkit.compositions import any_text, plain_text
from sandbox.slack.blockkit.elements import (
    BUTTON,
    ELEMENTS,
    IMAGE,
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
)
from sandbox.slack.blockkit.richtext import RICH_CELL, RICH_TEXT
from sandbox.slack.blockkit.rules import (
    Report,
    Rule,
    Shape,
    anything,
    boolean,
    by_type,
    items,
    link,
    one_of,
    string,
    web_address,
    whole,
)

_ID: dict[str, Rule] = {"block_id": string(255, 1)}
MARKDOWN_CHARACTERS = 12_000
_IMAGE_ELEMENT = by_type({"image": IMAGE})
_BUTTON_ELEMENT = by_type({"button": BUTTON})


def _section_says_something(report: Report, value: Any, path: str) -> None:
    if "text" not in value and "fields" not in value:
        report.say("missing required field: text or fields", path)


def _count_markdown(report: Report, value: Any, path: str) -> None:
    # The limit holds for all markdown blocks of one payload together.
    text = value.get("text")
    report.markdown_characters += len(text) if isinstance(text, str) else 0
    if report.markdown_characters > MARKDOWN_CHARACTERS:
        report.say(f"must be less than {MARKDOWN_CHARACTERS + 1} characters", f"{path}/text")


def _count_tables(report: Report, _value: Any, _path: str) -> None:
    report.tables += 1


def _distinct_action_ids(report: Report, value: Any, path: str) -> None:
    elements = value.get("elements")
    seen: set[str] = set()
    for index, element in enumerate(elements if isinstance(elements, list) else ()):
        action_id = element.get("action_id") if isinstance(element, dict) else None
        if isinstance(action_id, str):
            if action_id in seen:
                report.say(f"duplicate action_id: {action_id}", f"{path}/elements/{index}/action_id")
            seen.add(action_id)


_CELL = by_type(
    {
        "raw_text": Shape({"text": string(12_000)}),
        "raw_number": Shape({"value": anything}, {"text": string(255)}),
        "rich_text": RICH_CELL,
    }
)
_COLUMN = Shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})


def _column_setting(report: Report, value: Any, path: str) -> None:
    if value is not None:  # null leaves a column as it is
        _COLUMN(report, value, path)


_CARD = Shape(
    {},
    {
        **_ID,
        "hero_image": _IMAGE_ELEMENT,
        "icon": _IMAGE_ELEMENT,
        "title": any_text(150),
        "subtitle": any_text(150),
        "body": any_text(200),
        "actions": items(_BUTTON_ELEMENT, 25),
    },
)

BLOCKS: dict[str, Rule] = {
    "header": Shape({"text": plain_text(150)}, {**_ID, "level": whole(1, 4)}),
    "section": Shape(
        {},
        {
            **_ID,
            "text": any_text(3000),
            "fields": items(any_text(2000), 10, 1),
            "accessory": by_type(ELEMENTS, IN_SECTION),
            "expand": boolean,
        },
        also=_section_says_something,
    ),
    "divider": Shape({}, _ID),
    "image": Shape({"alt_text": string(2000), "image_url": web_address}, {**_ID, "title": plain_text(2000)}),
    "context": Shape(
        {"elements": items(by_type({"image": IMAGE, "plain_text": any_text(3000), "mrkdwn": any_text(3000)}), 10, 1)},
        _ID,
    ),
    "actions": Shape({"elements": items(by_type(ELEMENTS, IN_ACTIONS), 25, 1)}, _ID, also=_distinct_action_ids),
    "context_actions": Shape({"elements": items(by_type(ELEMENTS, IN_CONTEXT_ACTIONS), 5, 1)}, _ID),
    "input": Shape(
        {"label": plain_text(2000), "element": by_type(ELEMENTS, IN_INPUT)},
        {**_ID, "hint": plain_text(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "markdown": Shape({"text": string(MARKDOWN_CHARACTERS, 1)}, _ID, also=_count_markdown),
    "rich_text": RICH_TEXT,
    "table": Shape(
        {"rows": items(items(_CELL, 20, 1), 100, 1)},
        {**_ID, "column_settings": items(_column_setting, 20)},
        also=_count_tables,
    ),
    "video": Shape(
        {"video_url": link, "thumbnail_url": link, "alt_text": string(2000), "title": plain_text(199)},
        {
            **_ID,
            "title_url": link,
            "author_name": string(49),
            "provider_name": anything,
            "provider_icon_url": link,
            "description": plain_text(200),
        },
    ),
    "file": Shape({"external_id": string(255, 1), "source": one_of("remote")}, _ID),
    "alert": Shape(
        {"text": any_text(3000)}, {**_ID, "level": one_of("default", "info", "warning", "error", "success")}
    ),
    "card": _CARD,
    "carousel": Shape({"elements": items(by_type({"card": _CARD}), 10, 1)}, _ID),
    "data_visualization": Shape({"title": string(50, 1), "chart": CHART}, _ID, also=count_charts),
    # Newer than any published type: counted and carried, their insides are not judged here.
    "data_table": Shape(
        {"rows": items(items(_CELL, 20, 1), 1000, 1), "caption": string(2000)},
        {**_ID, "page_size": whole(1, 100), "row_header_column_index": whole(0, 19)},
    ),
    "container": Shape(
        {"child_blocks": items(anything, 10)},
        {
            **_ID,
            "title": plain_text(150),
            "rich_text_title": anything,
            "subtitle": any_text(150),
            "width": one_of("narrow", "standard", "wide", "full"),
            "icon": _IMAGE_ELEMENT,
            "is_collapsible": boolean,
            "default_collapsed": boolean,
            "has_header_divider": boolean,
        },
    ),
    "task_card": Shape(
        {
            "task_id": string(255, 1),
            "title": string(3000),
            "status": one_of("pending", "in_progress", "complete", "error"),
        },
        {**_ID, "details": anything, "output": anything, "sources": anything},
    ),
    "plan": Shape({"title": string(3000)}, {**_ID, "tasks": anything}),
}

IN_MESSAGES = frozenset(BLOCKS) - {"file"}
IN_VIEWS = frozenset(BLOCKS) - {"file", "table", "data_visualization", "plan", "task_card", "container"}
