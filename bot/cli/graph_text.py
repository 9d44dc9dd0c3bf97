"""The feedback graph for people, and as Mermaid's flowchart."""

from bot.cli.page import Page
from lumen.model.feedback import Edge, Feedback
from lumen.model.messages import Message, message
from lumen.wording.catalogue import Catalogue
from lumen.wording.feedback import label, sections


def print_graph(words: Catalogue, service: str, found: Feedback) -> None:
    """A line an arrow, and below them what is not drawn yet."""
    page = Page(words)
    page.rule(words.plain(message("graph.title", service=service)))
    if not found.edges:
        page.line(words.plain(message("graph.none")))
    for title, lines in sections(found):
        page.titled(words.plain(title), map(words.plain, lines))
    if found.edges:
        page.line(words.plain(message("graph.legend")))


def mermaid_of(words: Catalogue, found: Feedback) -> str:
    """A flowchart: knobs as boxes, metrics rounded; solid arrows for what moves, dashed ones for what goes together,
    a line without an arrowhead where no effect is clear."""
    lines = ["flowchart LR"]
    if not found.edges:
        lines.append(f'  none["{_text(words.plain(message("graph.none")))}"]')
    for name, kind in found.nodes.items():
        said = _text(words.plain(Message(f"graph.node_{kind}", {kind: name})))
        lines.append(f'  {name}["{said}"]' if kind == "knob" else f'  {name}(["{said}"])')
    lines += [f'  {one.source} {_arrow(one)}|"{_text(words.plain(label(one)))}"| {one.target}' for one in found.edges]
    return "\n".join(lines)


def _arrow(edge: Edge) -> str:
    if edge.is_dashed:
        return "-.->" if edge.is_clear else "-.-"
    return "-->" if edge.is_clear else "---"


def _text(told: str) -> str:
    """Without what Mermaid reads in a quoted text."""
    return told.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
