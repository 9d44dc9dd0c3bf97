"""What the command line says to what it cannot understand: 64, and a sentence; never a traceback."""

import pytest

from bot.cli.app import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "No such command 'nope'"),
        (["report", "--format", "xml"], "--format xml: give markdown or json"),
        (["report", "--format"], "Option '--format' requires an argument"),
        (["demo", "--port", "eight"], "'--port': Input should be a valid integer"),
    ],
)
def test_wrong_usage(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["lumen", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 64
    assert said in capsys.readouterr().err


def test_help_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["lumen", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
