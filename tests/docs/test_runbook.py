"""docs/runbook.md, in both languages: every alert and every kind of message has its row."""

import re
from collections.abc import Iterator

import pytest

from lumen.model.alert import SIGNALS, AlertKind, Severity
from lumen.model.assessment import HealthLevel
from lumen.model.proposal import State
from lumen.model.setup import Wanted
from lumen.use_cases.setup.alert_policies import policies
from lumen.wording.catalogue import LOCALES, Catalogue, templates
from tests.docs.test_tracked_files import ROOT
from tests.remedies import said_on_a_page

PAGES = {"en": ROOT / "docs" / "runbook.md", "ko": ROOT / "docs" / "ko" / "runbook.md"}
#: Sentences that people act on: all of them in these areas, ...
AREAS = ("alert.", "rollback.note_", "drift.", "incident.pager_no_")
#: ... but for an end, and what another sentence is followed by.
ENDS = {"recovered", "new_normal", "data_back", "cost_normal", "cost_new_level", "budget_billed_less", "budget_next"}
ENDS |= {"budget_new_month", "forgotten", "budget_forecast_over"}
FOLLOW = {"estimated", "as_of", "as_of_clear", "waits_clear", "waits_quiet", "waits_unknown"}


def kinds() -> Iterator[str]:
    """What the first cell of a row names."""
    yield from (str(kind) for kind in AlertKind if kind is not AlertKind.NO_DATA)
    yield from (f"no_data/{signal}" for signal in SIGNALS)
    yield from (str(one) for several in (Severity, State, HealthLevel) for one in several)
    yield from surfaces()
    for policy in policies(publishes=True, email=True, host="ion.example", words=Catalogue("en")):
        assert isinstance(policy, Wanted)
        yield policy.title


def surfaces() -> set[str]:
    """The kinds of message that `MessageRenderer.render` draws."""
    source = (ROOT / "handlers" / "render.py").read_text(encoding="utf-8")
    found = set(re.findall(r'^            "(\w+)": self\._', source, re.MULTILINE))
    assert {"report", "proposal", "alert", "digest"} <= found
    return found


@pytest.mark.parametrize("locale", LOCALES)
def test_every_kind_has_a_row(locale: str) -> None:
    rows = re.findall(r"^\| `([^`]+)`", PAGES[locale].read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(set(kinds()) - set(rows)) == []
    assert sorted(set(rows) - set(kinds())) == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sentence_that_people_act_on_stands_there_as_it_is_said(locale: str) -> None:
    page, said = PAGES[locale].read_text(encoding="utf-8"), templates(locale)
    wanted = [code for code in said if code.startswith(AREAS) and code.partition(".")[2] not in ENDS | FOLLOW]
    assert len(wanted) > 30
    assert [code for code in wanted if said_on_a_page(said[code]) not in page] == []
