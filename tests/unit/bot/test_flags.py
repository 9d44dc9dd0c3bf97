"""What people write for a share: one meaning, or refused with the reason."""

import pytest
import typer

from bot.cli.common import megabytes, share, together


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        *[("0.65", 0.65), ("65%", 0.65), ("65", 0.65), (".65", 0.65), ("1%", 0.01), ("100%", 1.0), ("100", 1.0)],
        *[("0", 0.0), ("0%", 0.0), ("0.5%", 0.005), ("1.5", 0.015), ("99.9", 0.999)],
    ],
)
def test_a_share(text: str, ratio: float) -> None:
    assert share("--hit-rate", text) == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *[("1", "1% or 100%"), ("1.0", "1% or 100%"), ("101", "at most 100%"), ("120%", "at most 100%")],
        *[(text, "give a share") for text in ("-5", "nan", "inf", "", "6 5")],
    ],
)
def test_what_is_no_share_is_refused(text: str, why: str) -> None:
    with pytest.raises(typer.BadParameter, match=why):
        share("--hit-rate", text)


def test_megabytes() -> None:
    assert [megabytes("--usage", text, 256) for text in ("240", "240MB", "50%")] == [240, 240, 128]
    for text in ("300", "101%", "many"):
        with pytest.raises(typer.BadParameter):
            megabytes("--usage", text, 256)


def test_flags_that_belong_together() -> None:
    assert together(a=1, b=0)
    assert not together(a=None, b=None)
    with pytest.raises(typer.BadParameter, match="--current-ttl missing"):
        together(current_ttl=None, memory="75")
