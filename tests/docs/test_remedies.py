"""docs/troubleshooting.md, in both languages: every reason for missing data stands there with what mends it."""

import ast
from collections.abc import Iterator

import pytest

from lumen.wording.catalogue import templates
from tests.docs.test_tracked_files import ROOT
from tests.remedies import PAGES, SECTIONS, TABLES, pairs, tables

#: Is no missing data: what a rollback does to hit rate and cost is not forecast.
NO_MEASUREMENT = {"rollback.expected"}
BUILT = ("NoData", "SourceUnavailable")
#: `lumen doctor` prints these beside reasons that it has from elsewhere.
BESIDE_OTHERS = "doctor."


def codes_of_missing_data() -> Iterator[str]:
    """What the source builds a NoData or a SourceUnavailable of."""
    for room in ("lumen", "handlers", "bot"):
        for path in (ROOT / room).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            for node in ast.walk(ast.parse(source)) if any(f"{one}(" in source for one in BUILT) else ():
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in BUILT:
                    said = [str(each.value) for each in ast.walk(node) if isinstance(each, ast.Constant)]
                    yield from (code for code in said if code in templates("en"))


@pytest.mark.parametrize("locale", PAGES)
def test_the_tables_are_those_of_the_catalogue(locale: str) -> None:
    found = TABLES.search(PAGES[locale].read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == tables(locale), "run make remedies"


def test_every_reason_for_missing_data_has_its_remedy() -> None:
    shown = {code for pair in pairs(templates("en")) for code in pair if pair[1].startswith(_beginnings())}
    wanted = set(codes_of_missing_data())
    assert len(wanted) > 40
    lacking = {code for code in wanted - shown if code.removesuffix("_remedy") not in NO_MEASUREMENT}
    assert lacking == set()


def test_no_remedy_stands_without_a_reason() -> None:
    said = templates("en")
    shown = {remedy for _, remedy in pairs(said)}
    remedies = {code for code in said if code.endswith("_remedy") and code.startswith(_beginnings())}
    assert {code for code in remedies - shown if not code.startswith(BESIDE_OTHERS)} == set()


def _beginnings() -> tuple[str, ...]:
    return tuple(one for _, beginnings in SECTIONS for one in beginnings)
