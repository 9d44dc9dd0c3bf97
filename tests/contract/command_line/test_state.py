"""`lumen state`: a copy out, a copy in, a reset that must be meant, layouts; every refusal is one sentence."""

import io
import json
import stat
from pathlib import Path

import pytest
import redis

from demo.world import World
from tests.contract.command_line.conftest import Call
from tests.contract.command_line.test_audit import FIELDS, STREAM

KEYS = "lumen:{naeda-genesis/us-central1/ion-api}:"


@pytest.fixture
def prepared(environment: None, lumen: Call, state_url: str) -> str:
    """One with a little audit; Slack is away."""
    assert lumen("state", "init").code == 0
    with redis.Redis.from_url(state_url) as store:
        for proposal, event, detail in (("P7", "proposed", "PENDING"), ("P7", "decided", "REJECTED")):
            store.xadd(STREAM, {**FIELDS, "actor": "U1", "proposal": proposal, "event": event, "detail": detail})
        store.set(f"{KEYS}sequence", 7)
    return state_url


def names(url: str) -> set[str]:
    with redis.Redis.from_url(url, decode_responses=True) as store:
        return set(store.keys("*"))


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_a_copy_out_and_in_again(prepared: str, lumen: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "state.jsonl"
    done = lumen("state", "export", str(file), "--json")
    assert (done.code, done.json()["number"]) == (0, 7)
    assert [path.name for path in tmp_path.iterdir()] == ["state.jsonl"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = lumen("state", "export", str(file))
    assert (again.code, "there already" in again.err) == (2, True)

    full = lumen("state", "import", str(file), "--beyond", "0")
    assert (full.code, "not empty" in full.err, "lumen state reset" in full.err) == (2, True, True)
    typed(monkeypatch, "ion-api\n")
    assert lumen("state", "reset").code == 0
    assert names(prepared) == set()
    assert "import FILE" in lumen("state", "show").err

    away = lumen("state", "import", str(file))
    assert (away.code, "--beyond N" in away.err, names(prepared)) == (2, True, set())
    told = lumen("state", "import", str(file), "--beyond", "9", "--json")
    assert (told.code, told.json()["imported"], told.json()["next"]) == (0, True, 10)
    assert told.json()["former"] == done.json()["epoch"] != told.json()["id"]
    assert any("by hand" in line for line in told.json()["told"])
    assert any("up to #9" in line and "from #8 on" in line for line in told.json()["told"])
    assert "The audit chain is whole." in told.json()["told"]
    assert lumen("audit", "verify").code == 0

    before = lumen("state", "show").out
    same = lumen("state", "import", str(file), "--beyond", "9")
    assert (same.code, "imported before" in same.out, lumen("state", "show").out) == (0, True, before)


def test_what_the_exported_audit_knows_of_the_time_since_is_told(
    prepared: str, lumen: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, audit = str(tmp_path / "state.jsonl"), str(tmp_path / "audit.jsonl")
    assert lumen("state", "export", copy).code == 0
    with redis.Redis.from_url(prepared) as store:
        for proposal, event, detail in (("P8", "proposed", "PENDING"), ("P8", "advanced", "APPLIED")):
            store.xadd(STREAM, {**FIELDS, "actor": "U1", "proposal": proposal, "event": event, "detail": detail})
    assert lumen("audit", "export", audit).code == 0
    typed(monkeypatch, "ion-api\n")
    assert lumen("state", "reset").code == 0
    told = lumen("state", "import", copy, "--audit", audit, "--beyond", "0")
    assert "2 entries from after it" in told.out
    assert "#8 applied" in told.out
    assert "the next one is #9" in told.out
    with redis.Redis.from_url(prepared, decode_responses=True) as store:
        newest = store.xrevrange(STREAM, count=1)[0][1]
    assert (newest["event"], "APPLIED" in newest["data"]) == ("restored", True)


@pytest.mark.parametrize("text", ["", "\n", "yes\n", "ion-api-canary\n", "ION-API\n"])
def test_a_reset_must_be_meant(prepared: str, lumen: Call, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    before = names(prepared)
    typed(monkeypatch, text)
    asked = lumen("state", "reset")
    assert (asked.code, names(prepared)) == (64, before)
    assert "Nothing was removed" in asked.err


def test_a_reset_removes_what_is_damaged_and_nothing_of_others(
    prepared: str, lumen: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis.Redis.from_url(prepared) as store:
        store.delete(f"{KEYS}epoch", f"{KEYS}proposals")
        store.set(f"{KEYS}proposals", "a text, and no hash")
        store.set("lumen:{naeda-genesis/us-central1/ion-api-canary}:epoch", "another's")
    damaged = lumen("state", "export", str(tmp_path / "state.jsonl"))
    assert (damaged.code, list(tmp_path.iterdir())) == (2, [])
    typed(monkeypatch, "ion-api\n")
    assert lumen("state", "reset").code == 0
    assert names(prepared) == {"lumen:{naeda-genesis/us-central1/ion-api-canary}:epoch"}
    assert lumen("state", "init", "--json").json()[0]["fresh"] is True


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda text: text.replace("REJECTED", "APPROVED"), "no whole copy"),
        (lambda text: text[: len(text) // 2], "no whole copy"),
        (lambda text: "", "no whole copy"),
        (None, "cannot be read"),
    ],
    ids=["changed", "cut off", "empty", "gone"],
)
def test_what_is_no_copy_is_refused_in_a_sentence(
    prepared: str, lumen: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: object, words: str
) -> None:
    file = tmp_path / "state.jsonl"
    lumen("state", "export", str(file))
    typed(monkeypatch, "ion-api\n")
    lumen("state", "reset")
    if callable(harm):
        file.write_text(harm(file.read_text()))
    else:
        file.unlink()
    said = lumen("state", "import", str(file), "--beyond", "0")
    assert (said.code, words in said.err, names(prepared)) == (2, True, set())
    assert len(said.err.splitlines()) == 1


def test_there_is_nothing_to_migrate_in_the_newest_layout(prepared: str, lumen: Call) -> None:
    before = names(prepared)
    for flags in ((), ("--dry-run",)):
        assert "nothing to migrate" in lumen("state", "migrate", *flags).out
        assert lumen("state", "migrate", *flags, "--json").json() == {"dry_run": bool(flags), "steps": []}
    assert names(prepared) == before


def test_an_older_lumen_refuses_a_newer_layout_everywhere(prepared: str, lumen: Call, tmp_path: Path) -> None:
    with redis.Redis.from_url(prepared) as store:
        store.hset(f"{KEYS}epoch", "schema", "99")
    for command in (
        ("state", "show"),
        ("state", "init"),
        ("state", "export", str(tmp_path / "state.jsonl")),
        ("state", "restored", "--beyond", "0"),
        ("state", "migrate"),
        ("audit", "verify"),
        ("report",),
        ("pause",),
    ):
        said = lumen(*command)
        assert said.code in (2, 3), command
        assert "layout 99" in said.err, command


def test_where_slack_answers_no_number_is_asked_for(watched: World, lumen: Call) -> None:
    told = lumen("state", "restored", "--json")
    assert (told.code, told.json()["next"]) == (0, 1)
    assert json.loads(told.out)["imported"] is False
