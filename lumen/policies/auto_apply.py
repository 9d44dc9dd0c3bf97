"""Changes that Lumen makes without asking, and what a countdown comes to when its time is up.

AUTO_APPLY names the knobs, and the track record of such changes must allow it. At the end of a countdown everything is
judged afresh: what would keep Lumen from proposing the change at all withdraws it, what only speaks against making it
without asking turns it into a question to people. Silence alone is no reason to act (docs/states.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Change, Knob, Value
from lumen.model.turn import Recommendation
from lumen.policies.plans import Plan
from lumen.policies.rollback import RollbackAdvice


class End(StrEnum):
    """ACT: do it. WITHDRAW: there is nothing to do any more. ASK: a person must decide, and nothing happens."""

    ACT = "act"
    WITHDRAW = "withdraw"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Ending:
    """`target`: the value that a person is asked for; None where there is nothing to ask."""

    end: End
    reasons: tuple[Message, ...]
    target: Value | None = None


@dataclass(frozen=True, slots=True)
class RollbackAtEnd:
    """`moved`: the traffic is no longer as it was when the countdown began (a deploy, a rollback by hand).

    `failing`: whether the newest minutes still fail; None without fresh data. `held`: what keeps automation back.
    """

    wanted: str
    moved: bool
    page_open: bool
    data_complete: bool
    failing: bool | None
    held: tuple[Message, ...]
    advice: RollbackAdvice
    good_revision: str | None


def rollback_end(now: RollbackAtEnd) -> Ending:  # noqa: PLR0911 - a return a row of the table
    """The first of these that applies (docs/states.md shows the same table)."""
    if now.moved:
        return Ending(End.WITHDRAW, (message("rollback.moved"),))
    if now.page_open and (not now.data_complete or now.failing is None):
        return Ending(End.ASK, (message("rollback.no_data"),), now.wanted)
    if not now.page_open or not now.failing:
        return Ending(End.WITHDRAW, (message("rollback.recovered"),))
    if now.good_revision is None:
        return Ending(End.ASK, (message("rollback.nothing_good"),))
    if now.held:
        return Ending(End.ASK, now.held, now.good_revision)
    if now.advice.target is None:
        return Ending(End.ASK, now.advice.against, now.good_revision)
    if now.advice.target != now.wanted:
        return Ending(End.WITHDRAW, (message("rollback.other_target", target=now.advice.target),))
    return Ending(End.ACT, ())


#: How AUTO_APPLY names what the hourly policy turns.
NAMES = {"ttl": Knob.TTL, "size": Knob.CACHE_SIZE, "l1": Knob.L1_ENTRIES, "instances": Knob.MIN_INSTANCES}


@dataclass(frozen=True, slots=True)
class AutoApplySettings:
    """Settings: the knobs of AUTO_APPLY, the length of a countdown (AUTO_APPLY_AFTER), DRY_RUN, APPROVALS_NEEDED."""

    knobs: frozenset[Knob] = frozenset()
    after: timedelta = timedelta(hours=1)
    dry_run: bool = False
    approvals_needed: int = 1


@dataclass(frozen=True, slots=True)
class Grounds:
    """Grounds for making a change without asking. `earned`: the record suffices; `chance` (0-1): that the next one
    helps.

    `spoken_against`: the id of the newest such change, if people or its effect spoke against it. `alert`: the id of an
    open alert. `is_watched`: the watch looked lately, so that no alert means that nothing is wrong. `pinned`: what pins
    the knob to its value, which is then a person's wish. `plan`: what somebody approved in steps.
    """

    helped: int
    trials: int
    chance: float
    earned: bool
    spoken_against: str = ""
    alert: str = ""
    is_watched: bool = True
    pinned: Message | None = None
    plan: Plan | None = None

    @property
    def in_force(self) -> Plan | None:
        """The plan that the change is a step of, and that nothing has ended."""
        return self.plan if self.plan is not None and self.plan.ended is None else None


@dataclass(frozen=True, slots=True)
class Weighed:
    """`against`: all that speaks against making the change unasked. `told`: what its card says beside the record.
    `acts_in`: how long its countdown is; None where people are asked."""

    grounds: Grounds
    against: tuple[Message, ...]
    told: tuple[Message, ...]
    acts_in: timedelta | None

    @property
    def waits(self) -> bool:
        """A step of a plan that something speaks against now: who approved it is not asked again for that."""
        return bool(self.against) and self.grounds.in_force is not None


def weigh(knob: Knob, setting: AutoApplySettings, grounds: Grounds) -> Weighed:
    """Whether the next change of this knob is made without asking."""
    against = tuple(_against(knob, setting, grounds))
    return Weighed(grounds, against, _told(knob, setting, grounds, against), None if against else setting.after)


def _against(knob: Knob, setting: AutoApplySettings, grounds: Grounds) -> Iterator[Message]:
    if grounds.in_force is None and knob not in setting.knobs:
        yield message("unasked.not_named")
    if grounds.in_force is None and not grounds.earned:
        yield message("unasked.not_earned", helped=grounds.helped, trials=grounds.trials)
    if grounds.spoken_against:
        yield message("unasked.spoken_against", proposal_id=grounds.spoken_against)
    if setting.dry_run:
        yield message("unasked.dry_run")
    if grounds.alert:
        yield message("unasked.alert", alert=grounds.alert)
    if not grounds.is_watched:
        yield message("unasked.not_watched")
    if grounds.pinned is not None:
        yield grounds.pinned


def _told(
    knob: Knob, setting: AutoApplySettings, grounds: Grounds, against: tuple[Message, ...]
) -> tuple[Message, ...]:
    """That it is done, why it is not, or that it may be set."""
    plan = grounds.plan
    if plan is not None and plan.ended is None:
        return (message("plan.step", proposal_id=plan.approved.id, who_mention=plan.by),)
    if plan is not None and plan.ended is not None and knob not in setting.knobs:
        return (message("plan.asked_because", proposal_id=plan.approved.id), plan.ended)
    name = next((name for name, named in NAMES.items() if named is knob), "")
    if knob in setting.knobs:
        return (message("unasked.asked_because"), *against) if against else (message("unasked.allowed", setting=name),)
    if name and grounds.earned and not grounds.spoken_against and grounds.pinned is None:
        return (message("unasked.offered", setting=name),)
    return ()


def auto_apply_end(  # noqa: PLR0911 - a return a row of the table
    change: Change, wanted: Recommendation | NoData, held: tuple[Message, ...], weighed: Weighed
) -> Ending:
    """The end of the countdown of `change`: the first of these that applies (docs/states.md shows the same table).

    `wanted` is recommended now; `held` keeps Lumen from proposing it now.
    """
    if held:
        return Ending(End.WITHDRAW, held)
    if isinstance(wanted, NoData):
        return Ending(End.WITHDRAW, (wanted.reason,))
    now = wanted.change
    if now is None:
        return Ending(End.WITHDRAW, (message("unasked.not_wanted"),))
    if now != change:
        other = message("unasked.other", knob=now.knob.value, old=now.old, new=now.new, unit=now.unit)
        return Ending(End.WITHDRAW, (other,))
    if weighed.waits:
        return Ending(End.WITHDRAW, weighed.against)
    if weighed.against:
        return Ending(End.ASK, weighed.against, change.new)
    on = weighed.grounds
    if on.in_force is not None:
        return Ending(End.ACT, (message("plan.acted", proposal_id=on.in_force.approved.id),))
    return Ending(End.ACT, (message("unasked.acted", helped=on.helped, trials=on.trials, chance=on.chance),))
