"""Every effect, whatever its door, goes through one place that knows rights, freezes, locks, pauses and the dry run."""

import ast
import inspect
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.model.incident import ControlState, Pause, SizeLock, TtlOverride
from lumen.model.messages import NotPossible
from lumen.model.proposal import APPROVED, IN_FORCE, Change, Knob, Proposal, State
from lumen.model.service import Permit, Person, ServiceId
from lumen.model.snapshot import Window
from lumen.policies.guard import Automation, Locks
from lumen.ports import actuators, incidents, sources
from lumen.ports.actuators import Progress, Reading, Swept
from lumen.use_cases.acting import Acting, Held, Leave
from lumen.use_cases.restrictions import Restraints
from tests.alike import Alike
from tests.proposals import applied

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
KIM = Person("U1", "Kim", "T1")
SERVICE = ServiceId("naeda-genesis", "us-central1", "ion-api")
CHANGE = Change(Knob.TTL, 300, 420, "s")
MADE = applied("P7", CHANGE)

#: Of each port to the world outside of Lumen's own store: what changes something there, and what only reads.
EFFECTS = {"Actuator.set", "HoldingBack.end_hold_back", "CacheKeys.flush", "CacheKeys.retime"}
#: They tell, and change nothing of the service: figures, calls to a pager, a notice that was read, accesses that were
#: read, of how many keys they are reported, and how many questions to Google are left.
TELLING = {
    *("FigureSink.publish", "Pager.call", "BudgetNews.acknowledge", "AccessStream.trim", "AccessStream.thin"),
    *("QueryBudget.take", "QueryBudget.pause"),
}
READING = {
    *(f"Actuator.{name}" for name in ("read", "followed", "rehearse")),
    *("Forgetful.lost", "FigureSink.lacking", "BudgetNews.pull", "BudgetNews.name", "Actuator.name"),
    *("OwnBudget.own_id", "MonthBudget.usd", "CacheSource.sample", "AccessStream.read"),
    *("AnnouncedMisses.heard", "AnnouncedMisses.stop"),
    "HoldingBack.holds_back",
    *("Pager.must_hear_again",),
}
#: Ports whose every method reads.
SOURCES = {"TrafficSource", "CacheSource", "TtlSource", "DeploymentSource", "SpendSource", "SliceSource"}
#: Lumen's own store, time and workers.
OWN = {"Alerts", "Controls", "Silences", "Pages", "Bills"}


def methods(module: ModuleType) -> Iterator[tuple[str, str]]:
    for name, kind in inspect.getmembers(module, inspect.isclass):
        if kind.__module__ == module.__name__ and getattr(kind, "_is_protocol", False):
            yield from ((name, of) for of in vars(kind) if not of.startswith("_"))


def test_every_method_of_every_port_is_known_as_an_effect_or_none() -> None:
    """A new one must be named here; and if it changes anything, it goes through Acting."""
    unknown = [
        f"{port}.{method}"
        for module in (actuators, incidents, sources)
        for port, method in methods(module)
        if port not in SOURCES | OWN and f"{port}.{method}" not in EFFECTS | TELLING | READING
    ]
    assert unknown == []
    assert {f"{port}.{method}" for port, method in methods(actuators)} >= EFFECTS


def test_effects_are_called_from_one_place_alone() -> None:
    names = {effect.partition(".")[2] for effect in EFFECTS}
    found = []
    for room in ("lumen/use_cases", "lumen/policies", "handlers", "bot"):
        for path in sorted((ROOT / room).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
                    owner = ast.unparse(node.func.value)
                    # An event or a variable of a context is set with one value at most.
                    given = len(node.args) + len(node.keywords)
                    if given > (1 if node.func.attr == "set" else 0) and not owner.endswith("acting"):
                        found.append(f"{path.relative_to(ROOT)}: {owner}.{node.func.attr}")
    assert {one.partition(":")[0] for one in found} <= {"lumen/use_cases/acting.py"}, found
    assert len(found) == 6  # set and end_hold_back; flush and retime, each counted and done


class World:
    """A place and a cache that count what is done to them."""

    name = "redis"
    done = 0

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        self.done += 1
        return Reading(change.new, "")

    async def end_hold_back(self, service: ServiceId, proposal_id: str) -> bool:
        self.done += 1
        return True

    async def flush(self, progress: Progress, *, dry_run: bool) -> Swept:
        self.done += not dry_run
        return Swept(3, 3)

    async def retime(self, old_seconds: int, new_seconds: int, progress: Progress, *, dry_run: bool) -> Swept:
        self.done += not dry_run
        return Swept(3, 3)


class Stored:
    """The controls, and the clock."""

    def __init__(self, state: ControlState) -> None:
        self.state = state

    async def read(self, service: ServiceId) -> ControlState:
        return self.state

    def now(self) -> datetime:
        return NOW


ALWAYS = Window(NOW - timedelta(days=1), NOW + timedelta(days=1))
#: Each thing that may be against an effect: what sets it, and the code of its reason.
AGAINST: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "dry_run": ({"dry_run": True}, {}, "restraint.dry_run"),
    "freeze": ({"freezes": (ALWAYS,)}, {}, "policy.held_frozen"),
    "disabled": ({"disabled": True}, {}, "policy.held_disabled"),
    "observe": ({"observe_until": NOW + timedelta(days=1)}, {}, "policy.held_observing"),
    "pause": ({}, {"pause": Pause(KIM, NOW, None)}, "policy.held_paused"),
    "pin": ({}, {"override": TtlOverride(600, KIM, NOW)}, "restraint.pinned"),
    "lock": ({}, {"size_lock": SizeLock(KIM, NOW)}, "restraint.locked"),
}
TIMER, EMERGENCY, SIZE = "timer", "emergency", "size"
#: By door: what of those holds it back. Nothing that people set leaves half done what was begun.
DOORS = {
    "begin, person": {"dry_run", "freeze", "pin"},
    "begin, person, emergency": {"dry_run", "pin"},
    "begin, person, size": {"dry_run", "freeze", "lock"},
    "begin, timer": {"dry_run", "freeze", "disabled", "pause", "pin"},
    "begin, timer, emergency": {"dry_run", "freeze", "disabled", "pause", "pin"},
    "finish": {"dry_run"},
    "again": {"dry_run", "freeze", "disabled", "pause", "pin"},
    "end hold-back": {"dry_run"},
    "again, size": {"dry_run", "freeze", "disabled", "pause", "lock"},
    "empty": {"dry_run"},
}


def acting_in(against: frozenset[str], world: World) -> Acting:
    automation, stored = Automation(), ControlState(None)
    for one in against:
        settings, controls, _ = AGAINST[one]
        automation, stored = replace(automation, **settings), replace(stored, **controls)
    clock_and_controls = cast(Any, Stored(stored))
    return Acting(
        Restraints(clock_and_controls, clock_and_controls, automation, Alike(Locks())), Alike(cast(Any, world))
    )


def proposal_of(door: str) -> Proposal:
    change = replace(CHANGE, knob=Knob.CACHE_SIZE) if SIZE in door else CHANGE
    draft = replace(MADE.draft, change=change, emergency=EMERGENCY in door)
    states = {"finish": State.APPLYING, "again": State.APPLIED, "end hold-back": State.KEPT}
    begun = State.APPROVED_BY_TIMER if TIMER in door else State.APPROVED
    return replace(MADE, draft=draft, state=states.get(door.partition(",")[0], begun))


async def leave_of(acting: Acting, door: str) -> Leave | Held:
    kind, proposal = door.partition(",")[0], proposal_of(door)
    if kind == "begin":
        return await acting.to_begin(proposal)
    if kind == "again":
        return await acting.to_set_again(proposal)
    if kind == "end hold-back":
        return acting.to_end_hold_back(proposal)
    return acting.to_finish(proposal) if kind == "finish" else acting.to_empty(SERVICE, Permit(KIM))


@pytest.mark.parametrize("door", list(DOORS))
async def test_each_door_knows_what_is_against_it(door: str) -> None:
    for one, (_, _, code) in AGAINST.items():
        leave = await leave_of(acting_in(frozenset({one}), World()), door)
        assert isinstance(leave, Held) == (one in DOORS[door]), one
        if isinstance(leave, Held):
            assert [reason.code for reason in leave.reasons] == [code]
            assert leave.is_dry == (one == "dry_run")
    assert isinstance(await leave_of(acting_in(frozenset(), World()), door), Leave)


@given(door=st.sampled_from(list(DOORS)), against=st.frozensets(st.sampled_from(list(AGAINST))))
async def test_whatever_is_set_only_what_may_be_done_is_offered(door: str, against: frozenset[str]) -> None:
    leave = await leave_of(acting_in(against, World()), door)
    held = against & DOORS[door]
    assert isinstance(leave, Held) == bool(held)
    if isinstance(leave, Held):
        # That it is a dry run is the last of the reasons: what else holds it back is said first.
        assert leave.is_dry == (held == {"dry_run"})


@pytest.mark.parametrize("effect", sorted(EFFECTS))
async def test_no_effect_passes_in_a_dry_run(effect: str) -> None:
    """Not even with a leave that was given before."""

    async def quiet(_: Swept) -> None:
        pass

    for against, done in (frozenset[str](), 1), (frozenset({"dry_run"}), 0):
        world = World()
        acting, leave = acting_in(against, world), Leave(SERVICE, "P7")
        calls: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
            "Actuator.set": lambda: acting.set(leave, cast(Any, world), CHANGE, Reading(300, "")),  # noqa: B023
            "HoldingBack.end_hold_back": lambda: acting.end_hold_back(leave, cast(Any, world)),  # noqa: B023
            "CacheKeys.flush": lambda: acting.flush(leave),  # noqa: B023
            "CacheKeys.retime": lambda: acting.retime(leave, CHANGE, quiet),  # noqa: B023
        }
        assert set(calls) == EFFECTS
        if done:
            await calls[effect]()
        else:
            with pytest.raises(NotPossible, match=r"restraint\.dry_run"):
                await calls[effect]()
        assert world.done == done


@pytest.mark.parametrize("state", sorted(State))
async def test_nothing_is_done_without_a_decision(state: State) -> None:
    acting, proposal = acting_in(frozenset(), World()), replace(MADE, state=state)
    assert isinstance(await acting.to_begin(proposal), Leave) == (state in APPROVED)
    assert isinstance(acting.to_finish(proposal), Leave) == (state is State.APPLYING)
    assert isinstance(await acting.to_set_again(proposal), Leave) == (state in IN_FORCE)
    assert isinstance(acting.to_end_hold_back(proposal), Leave) == (state in IN_FORCE)
