"""What the sandbox's command line takes, and what follows from it."""

import pytest

from sandbox.ion.config import IonConfig
from sandbox.options import arguments


@pytest.mark.parametrize("days", [14, 42])
def test_the_oldest_revisions_are_as_old_as_the_history(days: int) -> None:
    options = arguments(["--no-ion", "--history-days", str(days)])
    config = IonConfig().with_history(options.history_days)
    assert config.history_days == days
    for service in config.services:
        ages = [age for _, age in service.revisions]
        assert ages[0] == days
        assert ages == sorted(ages, reverse=True)
    assert IonConfig().with_history(14) == IonConfig()


@pytest.mark.parametrize("days", ["13", "43", "many"])
def test_a_history_that_nobody_keeps_is_refused(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--no-ion", "--history-days", days])
    assert "--history-days" in capsys.readouterr().err
