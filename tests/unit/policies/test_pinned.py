"""What a pinned revision carries otherwise than Lumen has set it."""

from dataclasses import replace

import pytest

from lumen.model.messages import NoData
from lumen.model.snapshot import TtlSetting
from lumen.policies.rollback import differences
from tests.snapshots import GONE, deployment

NAME = "ion-api-00001"


@pytest.mark.parametrize(
    ("own", "environment", "setting", "code"),
    [
        # The service reads the setting first, so it holds; what is only in the environment is said.
        (300, 420, TtlSetting(420, 3, 420, 3), "rollback.ttl_setting_holds"),
        (300, 300, TtlSetting(420, 3, 420, 3), None),
        (420, 420, TtlSetting(420, 3, 420, 3), None),
        # No setting was ever written: the environment counts, and the pinned revision has its own.
        (300, 420, TtlSetting(420, 0, None, None), "rollback.ttl_differs"),
        (300, 420, GONE, "rollback.ttl_differs"),
        (300, 300, TtlSetting(300, 0, None, None), None),
        (None, 420, TtlSetting(420, 3, 420, 3), None),
    ],
)
def test_the_ttl(own: int | None, environment: int, setting: TtlSetting | NoData, code: str | None) -> None:
    standing = deployment(1, 3)
    newest, pinned = standing.revisions
    pinned = replace(pinned, name=NAME, env_ttl_seconds=own)
    standing = replace(standing, pinned_revision=NAME, env_ttl_seconds=environment, revisions=(newest, pinned))
    assert [one.code for one in differences(standing, setting)] == ([code] if code else [])


def test_nothing_is_said_while_nothing_is_pinned() -> None:
    assert differences(deployment(1, 3), TtlSetting(420, 3, 420, 3)) == ()
