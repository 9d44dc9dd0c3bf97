"""`lumen work` with WORKERS=push."""

from pathlib import Path

import pytest

from tests.scenarios.workers import a_fleet, workers_share

pytestmark = pytest.mark.prove


async def test_three_workers_share_a_fleet_by_push_and_two_go_on_when_one_is_killed(memory_directory: Path) -> None:
    async with a_fleet("push", memory_directory) as fleet:
        await workers_share(fleet)
