"""The demo's world and its bot are told the same prices."""

from pathlib import Path

from demo.world import Clock, SandboxAddresses, World
from sandbox.options import arguments

NOWHERE = SandboxAddresses(**dict.fromkeys(SandboxAddresses.__slots__, "x"))


def test_the_world_and_the_bot_have_one_price(tmp_path: Path) -> None:
    world = World(tmp_path, Clock(60.0, "2026-11-21T12:00:00+00:00"), call_usd=0.0123, cache_mb_usd=0.2, budget_usd=321)
    world.addresses = NOWHERE
    told = world.bot_environment(1)
    paid = arguments(["--no-ion", *world.prices()])
    assert paid.vertex_usd == float(told["API_COST_PER_CALL"]) == 0.0123
    assert paid.cache_mb_usd == float(told["CACHE_COST_PER_MB"]) == 0.2
    assert paid.budget_usd == int(told["BUDGET_USD"]) == 321
    usual = arguments(["--no-ion"])
    plain = World(tmp_path, world.clock)
    assert (usual.vertex_usd, usual.cache_mb_usd) == (plain.call_usd, plain.cache_mb_usd)
