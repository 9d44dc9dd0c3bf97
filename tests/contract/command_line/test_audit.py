"""`lumen audit`: exit codes, the broken line by name, a file that proves itself without a store."""

import json
from pathlib import Path

import pytest
import redis

from tests.contract.command_line.conftest import Call

STREAM = "lumen:{naeda-genesis/us-central1/ion-api}:audit"
FIELDS = {"at": "2026-03-01T12:00:00+00:00", "event": "refused", "proposal": "", "detail": "why", "data": ""}


def happen(url: str, *actors: str) -> None:
    """As the scripts write it."""
    with redis.Redis.from_url(url) as store:
        for actor in actors:
            store.xadd(STREAM, {**FIELDS, "actor": actor})


@pytest.fixture
def prepared(environment: None, lumen: Call, state_url: str) -> str:
    assert lumen("state", "init").code == 0
    return state_url


def test_an_export_proves_itself_without_a_store(
    prepared: str, lumen: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(prepared, "U1", "U2", "U3")
    assert "3 newer ones" in lumen("audit", "verify").out
    file = tmp_path / "audit.jsonl"
    done = lumen("audit", "export", str(file), "--json")
    assert (done.code, done.json()["entries"], done.json()["number"]) == (0, 3, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["audit.jsonl"]

    found = lumen("audit", "verify", "--json")
    assert found.code == 0
    [check] = found.json()
    # The export itself is on record, and not sealed yet.
    assert (check["sealed_entries"], check["unsealed_entries"], check["head"]) == (3, 1, done.json()["head"])
    with redis.Redis.from_url(prepared, decode_responses=True) as store:
        newest = store.xrevrange(STREAM, count=1)[0][1]
    assert newest["event"] == "exported"
    assert newest["actor"].startswith("cli:")
    assert newest["actor"].endswith("@sandbox")

    monkeypatch.delenv("STATE_REDIS_URL")
    assert lumen("audit", "verify", "--file", str(file)).code == 0
    text = file.read_text()
    file.write_text(text.replace('"U2"', '"U9"'))
    harmed = lumen("audit", "verify", "--file", str(file))
    assert harmed.code == 2
    assert "line 2" in harmed.out
    assert json.loads(text.splitlines()[1])["id"] in harmed.out
    file.write_text("\n".join(text.splitlines()[:3]) + "\n")
    cut = lumen("audit", "verify", "--file", str(file))
    assert cut.code == 2
    assert "was cut off" in cut.out


def test_a_changed_entry_in_the_store_is_named(prepared: str, lumen: Call, tmp_path: Path) -> None:
    happen(prepared, "U1", "U2")
    lumen("audit", "export", str(tmp_path / "audit.jsonl"))
    with redis.Redis.from_url(prepared, decode_responses=True) as store:
        entries = store.xrange(STREAM)
        store.delete(STREAM)
        for entry_id, fields in entries:
            store.xadd(STREAM, {**fields, "actor": "U9"} if fields["actor"] == "U2" else fields, entry_id)
    said = lumen("audit", "verify")
    assert said.code == 2
    assert entries[1][0] in said.out


def test_what_an_export_refuses(prepared: str, lumen: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "audit.jsonl"
    assert "is empty" in lumen("audit", "export", str(file)).err
    happen(prepared, "U1")
    assert "cannot be written" in lumen("audit", "export", str(tmp_path / "nowhere" / "audit.jsonl")).err
    file.write_text("mine")
    kept = lumen("audit", "export", str(file))
    assert (kept.code, file.read_text()) == (2, "mine")
    assert "Give another name" in kept.err
    monkeypatch.setenv("SERVICE_NAME", "ion-api,ion-api-canary")
    which = lumen("audit", "export", str(tmp_path / "two.jsonl"))
    assert which.code == 64
    assert "ion-api, ion-api-canary" in which.err
    assert lumen("audit", "verify", "--file", str(tmp_path / "none.jsonl")).code == 64


def test_the_store_must_go_on_from_the_newest_export(
    prepared: str, lumen: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restored from a copy that is older than the export, the store proves itself, and not that nothing is missing."""
    happen(prepared, "U1")
    lumen("audit", "export", str(tmp_path / "older.jsonl"))
    with redis.Redis.from_url(prepared) as store:
        copy = {key: store.dump(key) for key in store.keys("lumen:*")}
    happen(prepared, "U2")
    newest = str(tmp_path / "newest.jsonl")
    lumen("audit", "export", newest)
    assert lumen("audit", "verify", "--against", newest).code == 0
    with redis.Redis.from_url(prepared) as store:
        store.flushall()
        for key, value in copy.items():
            store.restore(key, 0, value)
    assert lumen("audit", "verify").code == 0
    found = lumen("audit", "verify", "--against", newest)
    assert (found.code, "is not in the store" in found.out) == (2, True)
    assert lumen("audit", "verify", "--against", str(tmp_path / "older.jsonl")).code == 0


def test_after_a_restoration_numbers_go_on_beyond_all_that_is_known(prepared: str, lumen: Call, tmp_path: Path) -> None:
    with redis.Redis.from_url(prepared) as store:
        store.xadd(STREAM, {**FIELDS, "actor": "U1", "proposal": "P41"})
    file = str(tmp_path / "audit.jsonl")
    lumen("audit", "export", file)
    first = lumen("state", "restored", "--audit", file, "--beyond", "0", "--json")
    assert (first.code, first.json()["next"]) == (0, 42)
    second = lumen("state", "restored", "--beyond", "50")
    assert "the next one is #51" in second.out
    assert lumen("state", "restored", "--beyond", "0", "--json").json()["former"] != first.json()["id"]
    assert lumen("audit", "verify").code == 0
    Path(file).write_text("no audit", encoding="utf-8")
    assert lumen("state", "restored", "--audit", file, "--beyond", "0").code == 2
