"""`lumen predict` on logs of anybody's: fields, refusals, odd files, both languages, with no configuration at all."""

import csv
import gzip
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.access_world import Trace, World
from bench.prediction import replayed_plainly
from tests.contract.command_line.conftest import Call

FIELDS = ["ttl", "hit_rate", "low", "high", "uplift", "confidence", "accesses_used", "method", "verdict"]


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without `.env`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROJECT_ID", raising=False)


def write(name: str, header: str, rows: Sequence[Sequence[object]]) -> str:
    with Path(name).open("w", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    return name


@pytest.fixture(scope="module")
def trace() -> Trace:
    return World("sessions", 6, 12_000).trace()


@pytest.fixture
def accesses(trace: Trace) -> str:
    missed = replayed_plainly(trace, 300)
    rows = zip(trace.at_s.round(3), trace.key, trace.size, (~missed).astype(int), strict=True)
    return write("accesses.csv", "time_s,key,bytes,hit", list(rows))


@pytest.fixture
def misses(trace: Trace) -> tuple[str, str]:
    """The misses, and the counters each minute."""
    missed = replayed_plainly(trace, 300)
    minutes = np.arange(0, trace.at_s[-1] + 60, 60)
    asked, lost = (np.searchsorted(at, minutes, side="right") for at in (trace.at_s, trace.at_s[missed]))
    return (
        write("misses.csv", "time_s,key", list(zip(trace.at_s[missed], trace.key[missed], strict=True))),
        write("info.csv", "time_s,hits,misses", list(zip(minutes, asked - lost, lost, strict=True))),
    )


def test_accesses_tell_any_ttl(lumen: Call, trace: Trace, accesses: str) -> None:
    found = lumen("predict", "ttl", "--accesses", accesses, "--ttl", "300", "--to", "60,900,300", "--json").json()
    assert [list(one) for one in found] == [FIELDS] * 3
    for one in found:
        truth = 1 - replayed_plainly(trace, one["ttl"]).mean()
        assert one["hit_rate"] == pytest.approx(truth, abs=0.001)
        assert one["low"] <= truth <= one["high"]
        assert (one["verdict"], one["method"], one["accesses_used"]) == ("predicted", "replay", len(trace))
    assert found[2]["uplift"] == 0


def test_misses_tell_longer_ttls_alone(lumen: Call, trace: Trace, misses: tuple[str, str]) -> None:
    given = ("predict", "ttl", "--misses", misses[0], "--info", misses[1], "--ttl", "300")
    shorter, longer = lumen(*given, "--to", "60,900", "--json").json()
    assert (shorter["hit_rate"], shorter["verdict"]) == (None, "needs_accesses")
    assert longer["hit_rate"] == pytest.approx(1 - replayed_plainly(trace, 900).mean(), abs=0.006)
    assert list(longer) == FIELDS
    assert lumen(*given, "--to", "60").code == 3


def test_too_few_misses_say_how_many_more(lumen: Call, misses: tuple[str, str]) -> None:
    few = Path(misses[0]).read_text().splitlines()[:201]
    Path("few.csv").write_text("\n".join(few))
    given = ("predict", "ttl", "--misses", "few.csv", "--info", misses[1], "--ttl", "300", "--to", "600")
    (found,) = lumen(*given, "--json").json()
    assert found == dict.fromkeys(FIELDS) | {
        "ttl": 600,
        "accesses_used": 200,
        "method": "misses",
        "verdict": "too_few_misses",
        "needed": 100,
    }
    said = lumen(*given)
    assert said.code == 3
    assert "100 more" in said.out


def test_misses_that_the_server_did_not_count(lumen: Call, misses: tuple[str, str]) -> None:
    """A log of half of the keys, and a counter that began anew."""
    lines = Path(misses[0]).read_text().splitlines()
    Path("half.csv").write_text("\n".join(lines[:1] + lines[1::2]))
    given = ("--ttl", "300", "--to", "600", "--json")
    (found,) = lumen("predict", "ttl", "--misses", "half.csv", "--info", misses[1], *given).json()
    assert (found["hit_rate"], found["verdict"]) == (None, "misses_disagree")
    head, *rows = csv.reader(Path(misses[1]).read_text().splitlines())
    restarted = [
        [at, int(h) - (n > 700) * int(rows[700][1]), int(m) - (n > 700) * int(rows[700][2])]
        for n, (at, h, m) in enumerate(rows)
    ]
    write("restarted.csv", ",".join(head), restarted)
    (whole,) = lumen("predict", "ttl", "--misses", misses[0], "--info", misses[1], *given).json()
    (again,) = lumen("predict", "ttl", "--misses", misses[0], "--info", "restarted.csv", *given).json()
    assert again["hit_rate"] == pytest.approx(whole["hit_rate"], abs=0.001)


def test_misses_of_another_time_than_the_counters(lumen: Call, misses: tuple[str, str]) -> None:
    """Counters in milliseconds: not too few misses, but none of that time."""
    head, *rows = csv.reader(Path(misses[1]).read_text().splitlines())
    write("later.csv", ",".join(head), [[1e12 + 1000 * float(at), *counts] for at, *counts in rows])
    given = ("--info", "later.csv", "--ttl", "300", "--to", "600", "--json")
    (found,) = lumen("predict", "ttl", "--misses", misses[0], *given).json()
    assert (found["hit_rate"], found["verdict"], "needed" in found) == (None, "misses_disagree", False)


def test_sizes(lumen: Call, accesses: str) -> None:
    given = ("predict", "size", "--accesses", accesses, "--ttl", "300")
    found = lumen(*given, "--capacity", "64MB", "--to", "200KB,64MB,1GB", "--json").json()
    assert [list(one) for one in found] == [["ttl", "capacity_mb", *FIELDS[1:]]] * 3
    assert [one["capacity_mb"] for one in found] == [200 / 1024, 64, 1024]
    assert found[1]["hit_rate"] == found[2]["hit_rate"]
    assert (found[0]["hit_rate"], found[0]["verdict"]) == (None, "too_few_entries")
    (full,) = lumen(
        "predict", "ttl", "--accesses", accesses, "--ttl", "300", "--to", "900", "--capacity", "64MB", "--json"
    ).json()
    assert full["method"] == "replay"
    assert lumen(*given, "--capacity", "100KB", "--to", "1MB", "--json").json()[0]["verdict"] == "replay_disagrees"
    bare = write("bare.csv", "time_s,key", [(1, "a"), (2, "b")])
    said = lumen("predict", "size", "--accesses", bare, "--capacity", "1MB", "--to", "2MB", "--json")
    assert (said.code, said.json()[0]["verdict"]) == (3, "no_sizes")


def test_a_full_cache_is_no_question_of_ttl_alone(lumen: Call, trace: Trace) -> None:
    rows = list(zip(trace.at_s / 96, trace.key, trace.size, strict=True))
    full = write("full.csv", "time_s,key,bytes", rows)
    given = ("predict", "ttl", "--accesses", full, "--ttl", "300", "--to", "1800", "--json")
    (free,), (short,) = lumen(*given).json(), lumen(*given, "--capacity", "2MB").json()
    assert (free["method"], short["method"]) == ("replay", "replay_lru")
    assert short["uplift"] < free["uplift"] / 2
    (few,) = lumen(*given, "--capacity", "100KB").json()
    assert (few["hit_rate"], few["verdict"]) == (None, "too_few_entries")


def test_hits_that_no_replay_explains_give_no_number(lumen: Call, trace: Trace) -> None:
    hits = (np.arange(len(trace)) % 2).tolist()
    wrong = write("wrong.csv", "time_s,key,hit", list(zip(trace.at_s, trace.key, hits, strict=True)))
    said = lumen("predict", "ttl", "--accesses", wrong, "--ttl", "300", "--to", "600", "--json")
    assert (said.code, said.json()[0]["verdict"]) == (3, "replay_disagrees")


def test_odd_lines_are_named_on_standard_error(lumen: Call) -> None:
    Path("odd.csv").write_text("time_s,key\n1000,a\nnonsense\n1400,a\n1390,b\nx,b\n1,c\n")
    said = lumen("predict", "ttl", "--accesses", "odd.csv", "--ttl", "300", "--to", "600", "--json")
    assert said.json()[0]["accesses_used"] == 4
    for sentence in ("1 line left out, with another number of columns: 3", "without a time in seconds: 6", "line 7"):
        assert sentence in said.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ttl", "--ttl", "300", "--to", "60"], "--accesses"),
        (["ttl", "--misses", "a.csv", "--ttl", "300", "--to", "600"], "belong together"),
        (["ttl", "--accesses", "a.csv", "--ttl", "300", "--to", "60,later"], "whole seconds"),
        (["ttl", "--accesses", "a.csv", "--ttl", "300", "--to", "60"], "cannot be read"),
        (["size", "--accesses", "a.csv", "--capacity", "big", "--to", "1MB"], "256MB"),
    ],
)
def test_wrong_usage_is_answered(lumen: Call, arguments: list[str], says: str) -> None:
    said = lumen("predict", *arguments)
    assert said.code == 64
    assert says in said.err


def test_an_empty_file_and_a_packed_one(lumen: Call, accesses: str) -> None:
    Path("empty.csv").touch()
    said = lumen("predict", "ttl", "--accesses", "empty.csv", "--ttl", "300", "--to", "60", "--json")
    assert (said.code, said.json()[0]["verdict"]) == (3, "no_accesses")
    with gzip.open("packed.csv.gz", "wb") as packed:
        packed.write(Path(accesses).read_bytes())
    given = ("--ttl", "300", "--to", "60", "--json")
    plain = lumen("predict", "ttl", "--accesses", accesses, *given).json()
    assert lumen("predict", "ttl", "--accesses", "packed.csv.gz", *given).json() == plain


def test_a_pipe_is_read_from_its_beginning(lumen: Call, accesses: str) -> None:
    """Packed or not: what was read to tell is not lost."""
    given = ("--ttl", "300", "--to", "60", "--json")
    plain = lumen("predict", "ttl", "--accesses", accesses, *given).json()
    for text in (Path(accesses).read_bytes(), gzip.compress(Path(accesses).read_bytes())):
        os.mkfifo("pipe")
        writing = threading.Thread(target=Path("pipe").write_bytes, args=(text,))
        writing.start()
        assert lumen("predict", "ttl", "--accesses", "pipe", *given).json() == plain
        writing.join()
        Path("pipe").unlink()


def test_three_accesses_are_no_ground_to_be_sure(lumen: Call) -> None:
    few = write("few.csv", "time_s,key,bytes", [(0, "a", 9), (400, "a", 9), (350, "a", 9)])
    said = lumen("predict", "ttl", "--accesses", few, "--ttl", "300", "--to", "60,600", "--json")
    assert all(one["high"] - one["low"] > 0.4 and one["confidence"] < 0.5 for one in said.json())
    assert "1 line put in order" in said.err
    of_size = lumen("predict", "size", "--accesses", few, "--capacity", "1MB", "--to", "2MB", "--json").json()
    assert of_size[0]["confidence"] < 0.5


def test_without_the_drawing_library_it_says_how_to_get_it(
    lumen: Call, accesses: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    said = lumen("predict", "ttl", "--accesses", accesses, "--ttl", "300", "--to", "60", "--picture", "curve.png")
    assert said.code == 64
    assert "pip install '.[charts]'" in said.err


def test_a_long_log_has_a_bar_on_a_terminal(
    lumen: Call, accesses: str, misses: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none where a program reads it."""
    monkeypatch.setattr("bot.cli.predict.LONG_BYTES", 1000)
    monkeypatch.setattr("bot.cli.predict.LONG_ACCESSES", 1000)
    given = ("predict", "size", "--accesses", accesses, "--ttl", "300", "--capacity", "1GB", "--to", "2GB")
    assert lumen(*given).err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    err = lumen(*given).err
    assert "reading" in err
    assert "computing" in err
    given = ("predict", "ttl", "--misses", misses[0], "--info", misses[1], "--ttl", "300", "--to", "600")
    assert "estimating what is hidden" in lumen(*given).err


@pytest.mark.prove
@pytest.mark.parametrize(("asked", "distinct"), [("misses", False), ("misses", True), ("accesses", False)])
def test_ten_million_lines_take_less_than_a_gibibyte_and_half_a_minute(asked: str, distinct: bool) -> None:
    """Of as many keys, or of some that come again and again: `lumen predict ttl` in a process of its own."""
    lines, dice = 10_000_000, np.random.default_rng(3)
    with Path("long.csv").open("w") as file:
        for part in range(20):
            at = np.sort(dice.uniform(part, part + 1, lines // 20) * 4320).round(3).tolist()
            key = (
                range(part * len(at), (part + 1) * len(at)) if distinct else dice.integers(0, 300_000, len(at)).tolist()
            )
            file.writelines(f"{when},/answer/{which}\n" for when, which in zip(at, key, strict=True))
    Path("info.csv").write_text(f"0,0,0\n86400,{lines // 2},{lines}\n")
    given = ["--accesses", "long.csv"] if asked == "accesses" else ["--misses", "long.csv", "--info", "info.csv"]
    command = ["predict", "ttl", *given, "--ttl", "300", "--to", "420,600,900,1200,1800,3600", "--json"]
    child = os.posix_spawn(sys.executable, [sys.executable, "-m", "bot", *command], os.environ)
    _, status, used = os.wait4(child, 0)
    assert status == 0
    assert used.ru_maxrss < 1 << 20  # kB
    assert used.ru_utime + used.ru_stime < 30


def test_the_answer_in_words_and_as_a_picture(lumen: Call, accesses: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ("predict", "ttl", "--accesses", accesses, "--ttl", "300", "--to", "60,900")
    said = lumen(*given, "--picture", "curve.png")
    assert Path("curve.png").read_bytes().startswith(b"\x89PNG")
    assert "900 s" in said.out
    assert "points" in said.out
    monkeypatch.setenv("LUMEN_LOCALE", "ko")
    assert "계산했습니다" in lumen(*given).out
