"""Report files: whole or not at all, and a damaged one is set aside by name."""

import json
import os
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.reports.as_json import turn_from, turn_json
from bot.reports.files import ReportFiles, SetAside, Written
from bot.reports.markdown import markdown
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.exporters.score_moves import moves
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.service import ServiceId
from lumen.model.turn import Missing, Occasion, Recommendation, Turn
from lumen.policies.size import SizeLimits
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import NOW, SERVICE, as_now, cache, snapshot

EN = Catalogue("en")
LIMITS = SizeLimits()
OTHER = replace(SERVICE, name="ion-api-canary")
UP = Recommendation(Change(Knob.TTL, 300, 420, "s"), "MODERATE", (), Priority.MEDIUM)
LOST = NoData(message("alert.data_back"), message("alert.data_back"))


def turn(hours: int = 0, service: ServiceId = SERVICE, **changes: object) -> Turn:
    taken = replace(snapshot(**changes), service=service)
    judged, before = assess(taken, AssessmentSettings()), assess(snapshot(cache=cache(0.8)), AssessmentSettings())
    at = NOW + timedelta(hours=hours)
    made = Turn(f"t{hours}", Occasion.SLOT, at, at, taken, judged, UP, (), (), ())
    return replace(made, moves=moves(before, NOW, judged))


def day(directory: Path, name: str = "unified_feedback_20261116.json") -> list[str]:
    found = json.loads((directory / name).read_text(encoding="utf-8"))
    return [one["id"] for one in found["turns"]]


def test_a_day_keeps_its_turns_and_the_newest_report_of_each_service(tmp_path: Path) -> None:
    files = ReportFiles(tmp_path / "outputs", EN, {})
    files.write([turn(0), turn(0, OTHER)])
    found = files.write([turn(1)])
    assert day(tmp_path / "outputs") == ["t0", "t0", "t1"]
    assert found == [
        Written(tmp_path / "outputs" / "unified_feedback_20261116.json"),
        Written(tmp_path / "outputs" / "unified_feedback_20261116.md"),
    ]
    text = (tmp_path / "outputs" / "unified_feedback_20261116.md").read_text(encoding="utf-8")
    assert text.count("# naeda-genesis/us-central1/ion-api\n") == text.count("ion-api-canary") == 1
    assert not [path for path in (tmp_path / "outputs").iterdir() if path.name.startswith(".unified")]


def test_reports_are_their_owner_s_alone_to_read(tmp_path: Path) -> None:
    directory = tmp_path / "outputs"
    old = os.umask(0)
    try:
        files = ReportFiles(directory, EN, {})
        files.write([turn(0)])
        (directory / "unified_feedback_20261116.json").write_text("damaged")
        (directory / "unified_feedback_20261116.json").chmod(0o644)  # as an older version left it
        files.write([turn(1)])
    finally:
        os.umask(old)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in directory.iterdir()}
    assert len(modes) == 4
    assert set(modes.values()) == {"0o600"}
    assert directory.stat().st_mode & 0o777 == 0o700


def test_a_day_ends_at_midnight_utc(tmp_path: Path) -> None:
    ReportFiles(tmp_path, EN, {}).write([turn(0), turn(12)])
    assert day(tmp_path) == ["t0"]
    assert day(tmp_path, "unified_feedback_20261117.json") == ["t12"]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"schema": "unified_feedback 1", "turns": [{}]}', "\x00"])
def test_a_damaged_file_is_named_and_set_aside(tmp_path: Path, damage: str) -> None:
    files, path = ReportFiles(tmp_path, EN, {}), tmp_path / "unified_feedback_20261116.json"
    for number in (1, 2):
        path.write_text(damage, encoding="utf-8")
        told = files.write([turn(number)])[0]
        assert isinstance(told, SetAside)
        assert told.kept_as.name == f"unified_feedback_20261116.json.damaged-{number}"
        assert told.kept_as.read_text(encoding="utf-8") == damage
        assert day(tmp_path) == [f"t{number}"]


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    threads = [
        threading.Thread(
            target=lambda nth=nth: ReportFiles(tmp_path, EN, {}).write([turn(0, replace(SERVICE, name=nth))])
        )
        for nth in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert day(tmp_path) == ["t0"] * 4


def test_a_folder_that_cannot_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OSError, match="file"):
        ReportFiles(tmp_path / "file", EN, {}).write([turn()])


def test_json_says_why_and_comes_back(tmp_path: Path) -> None:
    made = turn()
    stored = turn_json(made)
    assert turn_from(json.loads(json.dumps(stored))) == made
    gate = stored["why"]["gate"]
    assert sum(part["points"] for part in gate["parts"]) == pytest.approx(gate["score"])
    assert sum(part["moved"] for part in gate["parts"]) == pytest.approx(gate["score"] - gate["before"])
    lost = turn_json(turn(history=LOST))["why"]["gate"]
    assert lost["score"] < lost["at_most"] <= 100
    assert [part["points"] for part in lost["parts"] if part["name"] == "maturity"] == [None]


@pytest.mark.parametrize("locale", LOCALES)
def test_markdown_has_the_phases_in_both_languages(locale: str) -> None:
    words = Catalogue(locale)
    for made in (turn(), turn(history=LOST, cache=LOST), replace(turn(), ttl=LOST, missing=(Missing("cache", LOST),))):
        text = markdown(words, [as_now(made)])
        assert [line for line in text.splitlines() if line.startswith("# ")] == [f"# {SERVICE.key}"]
        assert sum(line.startswith("## ") for line in text.splitlines()) >= 6
    summary = markdown(words, [as_now(turn())], summary_only=True)
    assert "##" not in summary
    assert markdown(words, [])


def test_markdown_tells_what_a_terminal_tells() -> None:
    made = turn(cache=cache(0.65, 0.95, 200))
    text = markdown(EN, [as_now(made)], now=NOW)
    for said in (
        "Maturity: level ",
        "SLO compliance: ",
        "Its latency is what Lumen's own probe sees.",
        "TTL recommended: [MEDIUM] TTL 300 → 420 s (moderate)",
        "Size recommended: [HIGH] cache size 256 → 384 MB (larger cache)",
        "cache size 256 → 384 MB: +$4.68 a month",
    ):
        assert said in text, said
    assert "no picture of now" not in text
    assert "no picture of now" in markdown(EN, [as_now(made)], now=NOW + timedelta(hours=5))
