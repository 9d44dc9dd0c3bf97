"""`/lumen silence` and `/lumen history <incident>`: what people type."""

from datetime import timedelta

import pytest

from handlers.command_types import History, Malformed, ShowIncident, ShowSilences, SilenceAlerts, Unsilence
from handlers.parse import parse

TWO_HOURS = timedelta(hours=2)
KEY = "ion-api:availability:2026-11-22T01:10:00+00:00"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("silence", ShowSilences()),
        ("silence cache", SilenceAlerts("cache", None)),
        ("silence cache 2h", SilenceAlerts("cache", TWO_HOURS)),
        ("silence cache for 2h because We move house", SilenceAlerts("cache", TWO_HOURS, "We move house")),
        ("silence no_data/traffic 2h", SilenceAlerts("no_data/traffic", TWO_HOURS)),
        (f"silence {KEY} 2h", SilenceAlerts(KEY, TWO_HOURS)),
        ("silence cache because deploy", SilenceAlerts("cache", None, "deploy")),
        ("silence end cache", Unsilence("cache")),
        ("silence cache END", Unsilence("cache")),
        ("history", History()),
        (f"history {KEY}", ShowIncident(KEY)),
        (f"history `{KEY}`", ShowIncident(KEY)),
    ],
)
def test_what_is_meant(typed: str, meant: object) -> None:
    assert parse(typed) == meant


@pytest.mark.parametrize(
    "typed",
    ["silence cache two beers", "silence cache 0h", "silence end", "silence end cache cost", "silence because x"],
)
def test_what_cannot_be_taken_is_said(typed: str) -> None:
    assert isinstance(parse(typed), Malformed)
