"""Steps of `lumen state`: copies out of the store and into it, and the new epoch that follows a restoration."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from bot.cli.audit_answers import highest_number as highest_audited
from bot.cli.audit_answers import new_file, proven_file, refuse_existing
from bot.config import Settings
from bot.store import StateStore, auditing_of, open_checked_store, open_state_store
from bot.wiring.assembly import operator_of
from handlers.numbers import highest_number as highest_shown
from handlers.web_api import SlackApi, SlackTrouble, slack_session
from lumen.adapters.store import copies, epoch, migrations
from lumen.model.messages import Message, NotPossible, Param, message, with_remedy
from lumen.model.service import ServiceId

#: So many proposals are named at most, the newest.
NAMED = 50
#: All of the memory comes in one answer.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Given:
    """What the operator says of the time since the copy: the newest exported audit, and the highest number in Slack."""

    audit: Path | None
    beyond: int | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A new epoch. `told`: what is known of the time since the copy; `audit`: whether its chain is whole."""

    epoch: epoch.Restored
    told: Sequence[Message]
    audit: Message | None = None


async def export(settings: Settings, service: ServiceId, path: Path) -> dict[str, Param]:
    """All of a service's memory to a new file, which is on the disk and has proven itself when this returns.

    Raises NotPossible (the file is there already, or cannot be written), StoreUnavailable.
    """
    refuse_existing(path)
    async with open_state_store(settings, PATIENCE_SECONDS) as store:
        lines = await copies.taken(store.redis, service, store.clock)
    with new_file(path) as file:
        file.writelines(f"{line}\n" for line in lines)
    written = read_copy(path)
    return {
        "service": service.key,
        "file": str(path),
        "elements": len(written.elements),
        "number": written.number,
        "epoch": written.epoch,
        "sha256": written.digest,
    }


def read_copy(path: Path) -> copies.Copy:
    """A file that proves itself. Raises NotPossible."""
    try:
        with path.open(encoding="utf-8") as lines:
            return copies.copy_from(lines)
    except (OSError, UnicodeDecodeError) as error:
        detail = getattr(error, "strerror", None) or str(error)
        raise NotPossible(*with_remedy("state.no_file", file=str(path), detail=detail)) from error


async def import_copy(settings: Settings, service: ServiceId, path: Path, given: Given) -> Begun | None:
    """A copy into an empty store, under a new epoch; None where this very copy stands there already.

    Raises NotPossible, StoreUnavailable, OutcomeUnknown.
    """
    copy, person = read_copy(path), await operator_of(settings)
    last = [each["stream"][0] for each in copy.elements if each["key"] == "audit"][-1:]
    number, told = await _since(settings, service, given, copy.number, copy.taken_at, *last)
    async with open_state_store(settings, PATIENCE_SECONDS) as store:
        copied = await copies.put(store.redis, service, copy)
        if copied is None:
            return None
        known = epoch.Known(number, person, tuple(told))
        begun = await epoch.restored(store.redis, service, store.clock, known, copied)
        check = await auditing_of(settings, store).verify(service)
    return Begun(begun, told, check.broken or message("state.audit_whole"))


async def restored(settings: Settings, service: ServiceId, given: Given) -> Begun:
    """A new epoch on a store that was restored by other means. Raises NotPossible, StoreUnavailable, OutcomeUnknown."""
    person = await operator_of(settings)
    async with open_checked_store(settings) as store:
        number, told = await _since(settings, service, given, *await _end_of(store, service))
        known = epoch.Known(number, person, tuple(told))
        return Begun(await epoch.restored(store.redis, service, store.clock, known), told)


async def _end_of(store: StateStore, service: ServiceId) -> tuple[int, str, str]:
    """The newest proposal's number, and when and as what the last thing in the audit was written."""
    newest, entries = await store.proposals.recent(service, 1), await store.audit.entries(service, 1)
    made_at = (await epoch.read(store.redis, service)).made_at
    number = int(newest[0].id[1:]) if newest else 0
    return (number, entries[0].at.isoformat(), entries[0].id) if entries else (number, made_at.isoformat(), "0-0")


async def _since(
    settings: Settings, service: ServiceId, given: Given, number: int, at: str, last_id: str = "0-0"
) -> tuple[int, list[Message]]:
    """The highest number that is known anywhere, and what is known of the time since the copy.

    `number`, `at`, `last_id`: those of the copy. Raises NotPossible: neither Slack nor the operator tells a number.
    """
    told = [message("state.told_copy", since_at=at)]
    audited = highest_audited(given.audit) if given.audit is not None else 0
    shown = given.beyond or 0
    try:
        async with slack_session() as session:
            api = SlackApi(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, session)
            shown = max(shown, await highest_shown(api, settings.slack_channel, service))
    except SlackTrouble as trouble:
        if given.beyond is None:
            raise NotPossible(*with_remedy("state.slack_away", error=trouble.error)) from trouble
        told.append(message("state.told_by_hand", error=trouble.error, number=given.beyond))
    if shown > number:
        told.append(message("state.told_cards", first=number + 1, last=shown))
    if given.audit is not None:
        told += _audited_since(given.audit, last_id)
    return max(number, audited, shown), told


def _audited_since(path: Path, last_id: str) -> Sequence[Message]:
    """What a proven export tells of that came after the entry `last_id`: how much, and where each proposal had come to.

    Raises NotPossible.
    """
    proven_file(path)
    with path.open(encoding="utf-8") as lines:
        entries = [each for each in map(json.loads, lines) if "id" in each and _order(each["id"]) > _order(last_id)]
    states = {each["proposal_id"]: each["detail"] for each in entries if each["event"] in _MOVES}
    told = [message("state.told_state", proposal_id=one, state=state) for one, state in states.items()][-NAMED:]
    became: Param = reduce(lambda some, one: message("state.told_states", first=some, rest=one), told) if told else "–"
    return [message("state.told_audit", entries=len(entries), became=became)] if entries else []


#: Events of the audit that give a proposal the state in their detail.
_MOVES = frozenset({"proposed", "decided", "advanced"})


def _order(entry_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in entry_id.split("-"))


async def reset(settings: Settings, service: ServiceId) -> int:
    """Remove all that Lumen remembers of a service, damaged or not; how many keys. Raises StoreUnavailable."""
    async with open_state_store(settings) as store:
        return await copies.cleared(store.redis, service)


async def migrate(
    settings: Settings, services: Sequence[ServiceId], *, dry: bool
) -> Sequence[tuple[ServiceId, str, Sequence[migrations.Migrated]]]:
    """The steps that are due, made or only told, with the layout in which each service is then."""
    person = None if dry else await operator_of(settings)
    done = []
    async with open_checked_store(settings) as store:
        for service in services:
            steps = await migrations.migrate(store.redis, service, store.clock, person)
            done.append((service, (await epoch.read(store.redis, service)).schema, steps))
    return done
