"""Rich text: sections, lists, quotes and preformatted pieces, and the inline elements in them."""

from sandbox.slack.blockkit.rules import Rule, Shape, anything, boolean, by_type, items, one_of, string, whole

_STYLE = Shape(
    {},
    dict.fromkeys(
        ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"),
        boolean,
    ),
)
_MANY = 10_000  # Slack names no limit for these lists; this one only keeps a mistake from being endless.

_INLINE: dict[str, Rule] = {
    "text": Shape({"text": string(12_000)}, {"style": _STYLE}),
    "link": Shape({"url": string(3000, 1)}, {"text": string(12_000), "unsafe": boolean, "style": _STYLE}),
    "user": Shape({"user_id": string(255, 1)}, {"style": _STYLE}),
    "usergroup": Shape({"usergroup_id": string(255, 1)}, {"style": _STYLE}),
    "channel": Shape({"channel_id": string(255, 1)}, {"style": _STYLE}),
    "team": Shape({"team_id": string(255, 1)}, {"style": _STYLE}),
    "emoji": Shape({"name": string(255, 1)}, {"unicode": string(255), "skin_tone": whole(1, 6), "style": _STYLE}),
    "broadcast": Shape({"range": one_of("here", "channel", "everyone")}, {"style": _STYLE}),
    "date": Shape(
        {"timestamp": whole(0, 9_999_999_999), "format": string(255, 1)},
        {"url": string(3000), "fallback": string(3000), "style": _STYLE},
    ),
    "color": Shape({"value": string(7, 7)}, {"style": _STYLE}),
}
_INLINES = items(by_type(_INLINE), _MANY)
_SECTION = Shape({"elements": _INLINES})

RICH_PARTS: dict[str, Rule] = {
    "rich_text_section": _SECTION,
    "rich_text_list": Shape(
        {"elements": items(by_type({"rich_text_section": _SECTION}), _MANY), "style": one_of("bullet", "ordered")},
        {"indent": whole(0, 8), "offset": whole(0, 10_000), "border": whole(0, 1)},
    ),
    "rich_text_quote": Shape({"elements": _INLINES}, {"border": whole(0, 1)}),
    "rich_text_preformatted": Shape({"elements": _INLINES}, {"border": whole(0, 1), "language": anything}),
}

RICH_TEXT = Shape({"elements": items(by_type(RICH_PARTS), _MANY, 1)}, {"block_id": string(255)})
RICH_CELL = by_type({"rich_text": RICH_TEXT})
