"""Composition objects: texts, options, confirm dialogs, dispatch configurations."""

from sandbox.slack.blockkit.rules import Rule, Shape, anything, boolean, by_type, items, one_of, string


def plain_text(maximum: int, minimum: int = 1) -> Rule:
    """A text object of type plain_text."""
    shape = Shape({"text": string(maximum, minimum)}, {"emoji": boolean})
    return by_type({"plain_text": shape})


def any_text(maximum: int, minimum: int = 1) -> Rule:
    """A text object of either type: `emoji` belongs to plain_text alone, `verbatim` to mrkdwn alone."""
    text = string(maximum, minimum)
    return by_type(
        {
            "plain_text": Shape({"text": text}, {"emoji": boolean}),
            "mrkdwn": Shape({"text": text}, {"verbatim": boolean}),
        }
    )


def option(text: Rule, *, with_url: bool = False) -> Rule:
    optional: dict[str, Rule] = {"description": any_text(75)}
    if with_url:
        optional["url"] = string(3000)
    return Shape({"text": text, "value": string(150, 1)}, optional)


PLAIN_OPTION = option(plain_text(75))
RICH_OPTION = option(any_text(75))
OVERFLOW_OPTION = option(plain_text(75), with_url=True)
OPTION_GROUP = Shape({"label": plain_text(75), "options": items(PLAIN_OPTION, 100, 1)})

CONFIRM = Shape(
    {"title": plain_text(100), "text": any_text(300), "confirm": plain_text(30), "deny": plain_text(30)},
    {"style": one_of("primary", "danger")},
)

DISPATCH_CONFIG = Shape({}, {"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 2)})

CONVERSATION_FILTER = Shape(
    {},
    {"include": anything, "exclude_external_shared_channels": boolean, "exclude_bot_users": boolean},
)
