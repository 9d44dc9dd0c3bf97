"""What the command line says to what it cannot understand: 64, and a sentence; never a traceback."""

import pytest

from bot.cli.commands import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "No such command 'nope'"),
        (["reprot"], "No such command 'reprot'. Did you mean 'report'?"),
        (["state", "shwo"], "No such command 'shwo'. Did you mean 'show'?"),
        (["ttl", "--current-tll", "300"], "No such option: --current-tll (Possible options: --current-ttl). `lumen"),
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


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["ttl", "-h"], ["state", "show", "-h"]])
def test_help_is_no_mistake(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["lumen", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
