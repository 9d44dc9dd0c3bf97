"""What holds Lumen's own proposals back. A person who asks for a change is not held back by this."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.assessment import Assessment
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.snapshot import SLICE, Snapshot, TtlSetting, Window

#: A window normally ends four minutes ago; anything older than this is a stale picture.
STALE_AFTER = timedelta(minutes=15)
#: The window must have this share of its slices.
LEAST_SLICES_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class Situation:
    """What stands around a proposal. Every field has a quiet default."""

    #: A new installation only watches until then.
    observe_until: datetime | None = None
    freezes: tuple[Window, ...] = ()
    paused: bool = False
    #: None with `paused` means until somebody resumes.
    paused_until: datetime | None = None
    disabled: bool = False
    #: When the knob was last changed, by anybody.
    last_change_at: datetime | None = None
    cooldown: timedelta = timedelta(hours=24)
    #: The id of a proposal of the same knob that is not finished.
    open_proposal: str | None = None
    #: The name of an open page.
    page_open: str | None = None
    #: When the newest revision came: nothing is measured honestly within a day of it.
    last_deployment_at: datetime | None = None
    after_deployment: timedelta = timedelta(0)


def held_back(snapshot: Snapshot, assessment: Assessment, situation: Situation, now: datetime) -> tuple[Message, ...]:
    """All that speaks against a proposal of Lumen's own now; empty means that it may be made."""
    return (
        *_by_people(situation, now),
        *_by_data(snapshot, assessment, now),
        *_by_earlier_changes(snapshot.ttl, situation, now),
    )


def _by_people(situation: Situation, now: datetime) -> Iterator[Message]:
    if situation.disabled:
        yield message("policy.held_disabled")
    if situation.paused and situation.paused_until is None:
        yield message("policy.held_paused")
    elif situation.paused and situation.paused_until is not None and now < situation.paused_until:
        yield message("policy.held_paused_until", until_at=situation.paused_until.isoformat())
    if situation.observe_until is not None and now < situation.observe_until:
        yield message("policy.held_observing", until_at=situation.observe_until.isoformat())
    for freeze in situation.freezes:
        if freeze.start <= now < freeze.end:
            yield message("policy.held_frozen", until_at=freeze.end.isoformat())


def _by_data(snapshot: Snapshot, assessment: Assessment, now: datetime) -> Iterator[Message]:
    if now - snapshot.window.end > STALE_AFTER:
        yield message("policy.held_stale", end_at=snapshot.window.end.isoformat())
    for part in (snapshot.traffic, snapshot.cache, snapshot.ttl):
        if isinstance(part, NoData):
            yield part.reason
    if not isinstance(snapshot.traffic, NoData):
        seen, wanted = len(snapshot.traffic.slices), snapshot.window.slices
        if seen < LEAST_SLICES_SHARE * wanted:
            minutes = round(SLICE / timedelta(minutes=1))
            yield message("policy.held_gaps", slices=seen, wanted=wanted, minutes=minutes)
    if assessment.gate.partial:
        yield message("policy.held_partial", coverage=assessment.gate.score.coverage)


def _by_earlier_changes(ttl: TtlSetting | NoData, situation: Situation, now: datetime) -> Iterator[Message]:
    if situation.page_open is not None:
        yield message("policy.held_page", page=situation.page_open)
    if situation.open_proposal is not None:
        yield message("policy.held_open_proposal", proposal=situation.open_proposal)
    if situation.last_change_at is not None and now - situation.last_change_at < situation.cooldown:
        until = situation.last_change_at + situation.cooldown
        yield message("policy.held_cooldown", until_at=until.isoformat())
    deployed = situation.last_deployment_at
    if deployed is not None and now - deployed < situation.after_deployment:
        yield message("policy.held_deployed", until_at=(deployed + situation.after_deployment).isoformat())
    # An acknowledgement of an older version means that the service has not taken over the last change.
    if not isinstance(ttl, NoData) and ttl.acknowledged_version is not None and not ttl.followed:
        yield message("policy.held_not_followed", ttl_seconds=ttl.value_seconds)
