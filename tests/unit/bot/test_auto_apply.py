"""AUTO_APPLY: which knobs it may name, who must be able to stop it, and what the doctor thinks of it."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.config import Settings
from bot.doctor.settings import setting_checks
from lumen.model.proposal import Knob
from tests.unit.bot.test_people import settings


def with_approver(**given: Any) -> Settings:
    return settings(**{"approvers": "U1", **given})


def test_never_unless_it_is_set() -> None:
    assert with_approver().automatic_knobs == frozenset()
    assert with_approver(auto_apply="").automatic_knobs == frozenset()


def test_knobs_by_the_names_of_their_commands() -> None:
    given = with_approver(auto_apply="ttl, size,l1,instances", auto_apply_after="90m")
    assert given.automatic_knobs == {Knob.TTL, Knob.CACHE_SIZE, Knob.L1_ENTRIES, Knob.MIN_INSTANCES}
    assert given.auto_apply_after == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"auto_apply": "ttl,memory"}, "memory"),
        ({"auto_apply": "traffic"}, "traffic"),
        ({"auto_apply": "all"}, "all"),
        ({"auto_apply": "ttl", "auto_apply_after": "1m"}, "give 5m to 12h"),
        ({"auto_apply": "ttl", "auto_apply_after": "24h"}, "give 5m to 12h"),
        ({"auto_apply": "ttl", "approvers": ""}, "APPROVERS names no user"),
        ({"auto_apply": "ttl", "approvers": "mina@example.com"}, "APPROVERS names no user"),
    ],
)
def test_what_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        with_approver(**given)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, None),
        ({"auto_apply": "ttl"}, "doctor.auto_apply"),
        ({"auto_apply": "ttl", "undo_harmful": "auto"}, "doctor.auto_apply_undone"),
        ({"auto_apply": "ttl", "disable_auto_optimization": True}, "doctor.auto_apply_idle"),
    ],
)
def test_what_the_doctor_says(given: dict[str, Any], code: str | None) -> None:
    found = [check for check in setting_checks(with_approver(**given)) if check.name == "setting: AUTO_APPLY"]
    assert [check.says.code for check in found] == ([code] if code else [])
    assert all(check.ok == (code != "doctor.auto_apply_idle") for check in found)
