"""`lumen graph`: the feedback graph as words, as JSON, or as a diagram for Mermaid."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.common import ExitCode, Json, Service, chosen, load, print_json, run

if TYPE_CHECKING:
    from bot.config import Settings
    from lumen.model.feedback import Edge, Feedback
    from lumen.model.service import ServiceId
    from lumen.wording.catalogue import Catalogue


def graph(
    as_json: Json = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print a diagram (flowchart) for Mermaid.")] = False,
    service: Service = "",
) -> None:
    """What moves what, by how much and how sure that is; what is not known yet, and what it lacks."""
    from bot.cli.graph_text import mermaid_of, print_graph
    from lumen.wording.catalogue import Catalogue

    if as_json and mermaid:
        raise typer.BadParameter("--json and --mermaid are two forms: give one of them.")
    settings = load()
    of = chosen(settings, service)
    found, words = run(settings, _graph(settings, of), asking=True), Catalogue(settings.lumen_locale)
    if as_json:
        print_json(graph_json(words, of.key, found))
    elif mermaid:
        typer.echo(mermaid_of(words, found))
    else:
        print_graph(words, of.key, found)
    raise typer.Exit(ExitCode.GOOD if found.edges else ExitCode.NO_DATA)


async def _graph(settings: "Settings", of: "ServiceId") -> "Feedback":
    from bot.numerics import ProcessNumerics
    from bot.store import open_checked_store
    from bot.wiring.graphs import graphs_of

    numerics = ProcessNumerics()
    try:
        async with open_checked_store(settings) as store:
            return await graphs_of(settings, store, numerics).of(of)
    finally:
        numerics.close()


def graph_json(words: "Catalogue", service: str, found: "Feedback") -> dict[str, Any]:
    """The graph for programs; `level` is null where too little is known of the days."""
    from bot.cli.advice_json import message_json

    return {
        "service": service,
        "nodes": [{"name": name, "kind": kind} for name, kind in found.nodes.items()],
        "edges": [edge_json(one) for one in found.edges],
        "level": asdict(found.level) if found.level else None,
        "lacking": [message_json(words, one) for one in found.lacking],
    }


def edge_json(edge: "Edge") -> dict[str, Any]:
    """`step` and `effect` in the units that stand beside them."""
    from lumen.model.feedback import unit_of

    return {
        "from": edge.source,
        "to": edge.target,
        "by": edge.by.value,
        "dashed": edge.is_dashed,
        "clear": edge.is_clear,
        "step": edge.step,
        "step_unit": edge.unit if edge.is_of_knob else unit_of(edge.source),
        "effect": edge.effect,
        "low": edge.low,
        "high": edge.high,
        "effect_unit": unit_of(edge.target),
        "next_low": edge.next_low,
        "next_high": edge.next_high,
        "rests_on": edge.rests_on,
        "rests_on_unit": "changes" if edge.is_of_changes else "days",
    }


def register(app: typer.Typer) -> None:
    """Add it to `lumen`."""
    app.command()(graph)
