"""The parts that Lumen is made of, as the bot, the command line and the triggers reach them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.store import StateStore
from bot.wiring.knobs import Called
from lumen.model.service import ServiceId
from lumen.use_cases.active import Active
from lumen.use_cases.advice import Advisor
from lumen.use_cases.apply_now import AppliedAdvice, Applying, Operators
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.auditing import Auditing
from lumen.use_cases.auto_apply import AutoApplyCountdowns
from lumen.use_cases.billing import TakingNews
from lumen.use_cases.collect import Collector
from lumen.use_cases.controlling import Reminding
from lumen.use_cases.digest import Digest, DigestReader
from lumen.use_cases.effects import Effects
from lumen.use_cases.emergency import EmergencyActions
from lumen.use_cases.error_lines import ReadingErrors
from lumen.use_cases.execution import Execution
from lumen.use_cases.feedback import FeedbackGraphs
from lumen.use_cases.fleet import Fleet
from lumen.use_cases.hearing import Hearing
from lumen.use_cases.knobs import Knobs
from lumen.use_cases.moments import Moments
from lumen.use_cases.observer import Observer
from lumen.use_cases.overrides import Overrides
from lumen.use_cases.publish import Publish
from lumen.use_cases.queries import Choosing, Looking, Readouts
from lumen.use_cases.releases import GoingBack, Revisions
from lumen.use_cases.rollback import Rollback
from lumen.use_cases.turn import TurnRunner
from lumen.use_cases.undo_harmful import UndoHarmful
from lumen.use_cases.watch import Watch


@dataclass(frozen=True, slots=True)
class Beside:
    """The work that has a pace of its own, and holds up none of the rounds."""

    #: None where BUDGET_TOPIC is not set.
    taking_news: TakingNews | None
    reading_errors: ReadingErrors
    moments: Moments
    reminding: Reminding
    observer: Observer
    hearing: Hearing


@dataclass(frozen=True, slots=True)
class Rounds:
    """The work that comes due by the clock."""

    watch: Watch
    revisions: Revisions
    rollback: Rollback
    effects: Effects
    turn_runner: TurnRunner
    digest: Digest
    #: None where PUBLISH_METRICS is off.
    publish: Publish | None
    beside: Beside


@dataclass(frozen=True, slots=True)
class Changes:
    """The ways in which people propose, decide, apply and forbid changes."""

    approvals: Approvals
    applying: Applying
    applied_advice: AppliedAdvice
    execution: Execution
    operators: Operators
    overrides: Overrides
    emergency: EmergencyActions
    knobs: Mapping[ServiceId, Knobs]


@dataclass(frozen=True, slots=True)
class Answers:
    """The questions that Lumen answers; none of them changes anything but the audit."""

    readouts: Readouts
    advisor: Advisor
    choosing: Choosing
    looking: Looking
    going_back: GoingBack
    digests: DigestReader
    fleet: Fleet
    auditing: Auditing
    graphs: FeedbackGraphs


@dataclass(frozen=True, slots=True)
class Lumen:
    """Everything but Slack, as the command line and the bot both use it."""

    store: StateStore
    #: The services that may have work.
    active: Active
    collector: Collector
    #: Each ends its own kind when its time is up.
    countdowns: Sequence[Rollback | UndoHarmful | AutoApplyCountdowns]
    rounds: Rounds
    changes: Changes
    answers: Answers
    called: Called
