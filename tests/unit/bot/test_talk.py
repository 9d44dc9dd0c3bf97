"""`--verbose` and `--debug` stand at every command, and say where Lumen looked and where it failed."""

import pytest
import typer
from typer.core import TyperGroup

from bot.cli.commands import app, main
from tests.docs.test_commands import of_group


def commands() -> list[str]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return of_group(group, "lumen")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that nobody listens at, with a password that nobody may see."""
    given = {
        "PROJECT_ID": "naeda-genesis",
        "SERVICE_NAME": "ion-api",
        "CACHE_REDIS_URL": "redis://127.0.0.1:1/1",
        "STATE_REDIS_URL": "redis://:s3cret@127.0.0.1:1/0",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_CHANNEL": "C0IONALERTS",
        "LOG_LEVEL": "ERROR",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)


def said(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["lumen", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(str(ended.value.code)), capsys.readouterr().err


def test_every_command_takes_both() -> None:
    group = typer.main.get_command(app)
    for line in commands():
        command = group
        for word in line.split()[1:]:
            assert isinstance(command, TyperGroup)
            found = command.get_command(typer.Context(command), word)
            assert found is not None
            command = found
        assert {"verbose", "debug"} <= {parameter.name for parameter in command.params}, line


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("flag", "where", "traced"), [("--verbose", True, False), ("--debug", True, True), (None, False, False)]
)
def test_what_each_tells(
    flag: str | None, where: bool, traced: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, err = said(["report", *([flag] if flag else [])], monkeypatch, capsys)
    assert code == 3
    assert ("store 127.0.0.1:1" in err and "Took " in err) == where
    assert ("Traceback" in err) == traced
    assert "s3cret" not in err
    assert "127.0.0.1:1" in err
