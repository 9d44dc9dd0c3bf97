"""Builds one message: the blocks within Slack's limits, and the `text` that says the same to screen readers.

The blocks are written as Slack's JSON, for the SDK's models take ten times as long; a test reads them back with those.
A card that explains a turn is `opened` with of when it is, and `closed` with what is missing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from handlers.blocks.chart import CHARTS_MAX, Chart, drawn
from lumen.model.answers import TurnReadout
from lumen.model.messages import Message, NoData, message
from lumen.model.turn import Turn
from lumen.ports.store import Surface
from lumen.wording.catalogue import Catalogue, iso
from lumen.wording.scores import missing_lines, span, worst_headline

#: A block as Slack's JSON.
Json = dict[str, Any]

#: docs.slack.dev/reference/block-kit; `text` of a message is cut by Slack at 40,000, recommended below 4,000.
MAX_BLOCKS = 50
VIEW_MAX_BLOCKS = 100
VIEW_TITLE_MAX = 24
HEADER_MAX = 150
SECTION_MAX = 3000
FIELD_MAX = 2000
FIELDS_MAX = 10
CONTEXT_MAX = 10
TEXT_MAX = 3900
BUTTON_MAX = 75
BUTTONS_MAX = 25
OPTION_MAX = 75
OPTIONS_MAX = 5
ID_MAX = 255
CONFIRM_TITLE_MAX = 100
CONFIRM_TEXT_MAX = 300
CONFIRM_BUTTON_MAX = 30
CHART = "data_visualization"


@dataclass(frozen=True, slots=True)
class Shown:
    """What one message shows: `blocks` as Slack's JSON and the whole of it in words."""

    text: str
    blocks: tuple[Json, ...]
    #: The surface under whose message it stands, in the thread; None: by itself in the channel.
    under: Surface | None = None
    #: What each of its charts says, in their order (mrkdwn).
    charts: tuple[str, ...] = ()
    #: What is left of a message whose content stands in another one: where it was never posted, it is not.
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class Button:
    """`value` carries what the click needs; `spoken` is for screen readers where several buttons read alike."""

    action_id: str
    label: Message
    value: str
    style: str | None = None
    spoken: Message | None = None
    confirm: "Confirm | None" = None


@dataclass(frozen=True, slots=True)
class Confirm:
    """The dialog before the click counts: it names the exact effect and the way back."""

    title: Message
    text: Message
    confirm: Message
    deny: Message


@dataclass(frozen=True, slots=True)
class Menu:
    """What is seldom pressed, behind three dots: labels, each with its value (at most 75 characters)."""

    action_id: str
    options: Sequence[tuple[Message, str]]


def with_note(shown: Shown, note: str) -> Shown:
    """`shown` with a line of small print on top (mrkdwn)."""
    block: Json = {"type": "context", "elements": [_mrkdwn(note, FIELD_MAX)]}
    return replace(shown, text=clip(f"{note}\n{shown.text}", TEXT_MAX), blocks=(block, *shown.blocks)[:MAX_BLOCKS])


def spent(text: str, blocks: Sequence[Json], note: str) -> Shown:
    """What is left of a message that Slack tells of: nothing to press, and a line of small print on top."""
    read = (block for block in blocks if block.get("type") != "actions")
    kept = tuple({name: value for name, value in block.items() if name != "accessory"} for block in read)
    return with_note(Shown(text, kept), note)


def without_charts(shown: Shown) -> Shown:
    """`shown` with what its charts say instead of them."""
    said = iter(shown.charts)
    blocks = [_said(next(said, "")) if block["type"] == CHART else block for block in shown.blocks]
    return replace(shown, blocks=tuple(block for block in blocks if block is not None), charts=())


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words and never inside an escape (`&amp;`) or a `<…>`."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    for opening, closing in (("<", ">"), ("&", ";")):
        start = cut.rfind(opening)
        if start > cut.rfind(closing) and (opening == "<" or limit - 1 - start < 8):
            cut = cut[:start]
    space = cut.rfind(" ")
    if space > limit // 2:
        cut = cut[:space]
    return cut.rstrip() + "…"


class Card:
    """Collects pieces in reading order. Everything that goes in is seen in the blocks and said in the text."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._words = catalogue
        self._blocks: list[Json] = []
        self._lines: list[str] = []
        self._charts: list[str] = []

    def header(self, wanted: Message) -> None:
        """One line in large type; plain text only."""
        self._blocks.append({"type": "header", "text": _plain(self._words.plain(wanted), HEADER_MAX)})
        self._lines.append(self._words.say(wanted))

    def section(self, *wanted: Message) -> None:
        """A paragraph; several messages stand on a line each."""
        self.lines([self._words.say(m) for m in wanted])

    def lines(self, said: Sequence[str], button: Button | None = None, block_id: str = "") -> None:
        """A paragraph of lines that are mrkdwn already, with a button at its side; nothing at all without lines."""
        if said:
            section: Json = {"type": "section", "text": _mrkdwn("\n".join(said), SECTION_MAX)}
            if button is not None:
                section["accessory"] = self._button(button)
            if block_id:
                section["block_id"] = block_id[:ID_MAX]
            self._blocks.append(section)
            self._lines.extend(said)

    def titled(self, title: Message, said: Iterable[str]) -> None:
        """A bold title over lines; nothing at all without lines."""
        lines = list(said)
        if lines:
            self.lines([f"*{self._words.say(title)}*", *lines])

    def fields(self, pairs: Sequence[tuple[Message, str]]) -> None:
        """A grid of titles and values (mrkdwn), at most ten."""
        self.grid([(self._words.say(title), value) for title, value in pairs])

    def grid(self, pairs: Sequence[tuple[str, str]]) -> None:
        """The same of titles that are mrkdwn already."""
        shown = pairs[:FIELDS_MAX]
        if shown:
            texts = [_mrkdwn(f"*{title}*\n{value}", FIELD_MAX) for title, value in shown]
            self._blocks.append({"type": "section", "fields": texts})
            self._lines.extend(f"{title}: {value}" for title, value in shown)

    def context(self, said: Sequence[str], *, is_told: bool = True) -> None:
        """Small grey print, mrkdwn already; nothing at all without lines. `is_told`: the text says it too, which has no
        room for addresses."""
        if said:
            elements = [_mrkdwn(line, FIELD_MAX) for line in said[:CONTEXT_MAX]]
            self._blocks.append({"type": "context", "elements": elements})
            self._lines.extend(said[:CONTEXT_MAX] if is_told else ())

    def chart(self, wanted: Chart) -> None:
        """Slack's own chart and what it leaves out; the third of a message, and one of too little, in figures.

        For messages alone: Slack takes none in a view.
        """
        found = drawn(self._words, wanted)
        if found.block is None or len(self._charts) == CHARTS_MAX:
            self.lines(found.said)
        else:
            self._blocks.append(found.block)
            self._charts.append("\n".join(found.said))
            self._lines.extend(found.said)
        self.context([found.left_out] if found.left_out else [])

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Rows of plain text, the first one of titles; in the text a line each. One a message."""
        cells = [[{"type": "raw_text", "text": cell} for cell in row] for row in rows]
        self._blocks.append({"type": "table", "rows": cells})
        self._lines.extend(" · ".join(row) for row in rows)

    def buttons(self, wanted: Sequence[Button], block_id: str, menu: Menu | None = None) -> None:
        """A row of buttons, and a menu after them; `block_id` is unique in the message."""
        elements = [self._button(button) for button in wanted[:BUTTONS_MAX]]
        elements += [] if menu is None else [self._menu(menu)]
        self._blocks.append({"type": "actions", "block_id": block_id[:ID_MAX], "elements": elements})

    def person(self, question: Message, action_id: str, block_id: str) -> None:
        """A question that is answered by choosing a person."""
        asked = self._words.say(question)
        menu = {"type": "users_select", "action_id": action_id, "placeholder": _plain(self._words.plain(question), 150)}
        text = _mrkdwn(asked, SECTION_MAX)
        self._blocks.append({"type": "section", "block_id": block_id[:ID_MAX], "text": text, "accessory": menu})
        self._lines.append(asked)

    def divider(self) -> None:
        """A thin line."""
        self._blocks.append({"type": "divider"})

    def blocks(self) -> Sequence[Json]:
        """What was collected, for a view."""
        return self._blocks

    def shown(self) -> Shown:
        """The message."""
        text, blocks = "\n".join(self._lines), tuple(self._blocks[:MAX_BLOCKS])
        if len(text) > TEXT_MAX and self._charts:  # the lines of the blocks can be read there, those of a chart cannot
            said = clip("\n".join(self._charts), TEXT_MAX // 2)
            others = "\n".join(line for line in self._lines if line not in self._charts)
            text = f"{clip(others, TEXT_MAX - len(said) - 1)}\n{said}"
        text = clip(text, TEXT_MAX)
        return Shown(text, blocks, charts=tuple(self._charts))

    def _button(self, wanted: Button) -> Json:
        button: Json = {
            "type": "button",
            "action_id": wanted.action_id,
            "text": _plain(self._words.plain(wanted.label), BUTTON_MAX),
            "value": wanted.value,
        }
        if wanted.style is not None:
            button["style"] = wanted.style
        if wanted.spoken is not None:
            button["accessibility_label"] = clip(self._words.plain(wanted.spoken), BUTTON_MAX)
        if wanted.confirm is not None:
            button["confirm"] = self._confirm(wanted.confirm, wanted.style)
        return button

    def _menu(self, wanted: Menu) -> Json:
        say, most = self._words.plain, OPTION_MAX
        options = [{"text": _plain(say(label), most), "value": value} for label, value in wanted.options[:OPTIONS_MAX]]
        return {"type": "overflow", "action_id": wanted.action_id, "options": options}

    def _confirm(self, wanted: Confirm, style: str | None) -> Json:
        say = self._words.plain
        confirm: Json = {
            "title": _plain(say(wanted.title), CONFIRM_TITLE_MAX),
            "text": _plain(say(wanted.text), CONFIRM_TEXT_MAX),
            "confirm": _plain(say(wanted.confirm), CONFIRM_BUTTON_MAX),
            "deny": _plain(say(wanted.deny), CONFIRM_BUTTON_MAX),
        }
        if style is not None:
            confirm["style"] = style
        return confirm


def modal(words: Catalogue, title: Message, close: Message, card: Card) -> Json:
    """A modal that is only read."""
    return {
        "type": "modal",
        "title": _plain(words.plain(title), VIEW_TITLE_MAX),
        "close": _plain(words.plain(close), VIEW_TITLE_MAX),
        "blocks": list(card.blocks()[:VIEW_MAX_BLOCKS]),
    }


def _said(text: str) -> Json | None:
    return {"type": "section", "text": _mrkdwn(text, SECTION_MAX)} if text else None


def _plain(text: str, limit: int) -> Json:
    return {"type": "plain_text", "text": clip(text, limit), "emoji": True}


def _mrkdwn(text: str, limit: int) -> Json:
    return {"type": "mrkdwn", "text": clip(text, limit)}


def opened(words: Catalogue, title: Message, readout: TurnReadout, turn: Turn) -> Card:
    """A card with its title, and of when it is; above it what is wrong now, for its figures are those of the turn."""
    card, worst = Card(words), readout.worst
    if worst.alerts:
        card.section(worst_headline(words, readout.service, worst, turn))
    card.header(title)
    window, age = turn.snapshot.window, age_of(words, readout)
    when = message("explain.when", start_at=iso(window.start), end_at=iso(window.end), age=age, turn_id=turn.id)
    card.context([words.say(when)])
    if readout.is_stale:
        card.section(message("explain.stale", age=age))
    return card


def closed(card: Card, words: Catalogue, found: Iterable[object], *notes: Message) -> Shown:
    """What is missing of `found` with its remedy, then the small print."""
    missing = (one for one in found if isinstance(one, NoData))
    card.titled(message("views.report_missing"), missing_lines(words, missing))
    card.context([words.say(note) for note in (*notes, message("explain.more"))])
    return card.shown()


def nothing_yet(words: Catalogue, readout: TurnReadout) -> Shown:
    """Before the first turn."""
    card = Card(words)
    card.header(message("views.report_none_title", service=readout.service.name))
    card.section(message("views.report_none_until", next_turn_at=iso(readout.next_turn_at)))
    return card.shown()


def age_of(words: Catalogue, readout: TurnReadout) -> str:
    """How old the turn is, in words."""
    return words.plain(span(readout.age or timedelta(0)))
