"""Findings on a service that says it keeps the contract (docs/ion-contract.md), one for each part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from lumen.model.accesses import HELD, KIND_MASK, MISS, WRITE, Batch, Malformed, is_held
from lumen.model.contract_check import Observed
from lumen.model.messages import Message, message

#: With half of the keys held back, so many keys of one kind alone come by chance once in 4,096 times.
ENOUGH_KEYS = 12
#: Clocks further apart put an access beside the wrong one.
MOST_AHEAD_SECONDS = 30.0
#: A batch is held for 10 s, and sent with the next command.
LONGEST_BATCH_SECONDS = 60.0
#: Of the writes: while a service takes a new setting some are under way with the one before.
MOST_WRONG = 0.1


class Part(Enum):
    """The parts of the contract, in the order in which one thing needs the other."""

    READS = "reads"
    ACKNOWLEDGES = "acknowledges"
    WRITES = "writes"
    REPORTS = "reports"
    HOLDS_BACK = "holds_back"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part. `ok` None: it could not be told; the sentence says why, or what is wrong and how to mend it."""

    part: Part
    ok: bool | None
    says: Message


@dataclass(frozen=True, slots=True)
class Judged:
    """`version`: what the service speaks; None: neither."""

    version: int | None
    findings: tuple[Finding, ...]


def judge(seen: Observed) -> Judged:
    """Each part of the contract by itself; what needs a part that is missing is not told."""
    version = 2 if seen.own is not None else 1 if seen.shared is not None else None
    findings = [_reads(seen), _acknowledges(seen), _writes(seen)]
    if version == 1:
        parts = Part.REPORTS, Part.HOLDS_BACK
        findings += [Finding(part, None, message(f"contract.{part.value}_version_1")) for part in parts]
    else:
        findings += [_reports(seen), _holds_back(seen)]
    return Judged(version, tuple(findings))


def _fine(part: Part, **params: int | float) -> Finding:
    return Finding(part, True, message(f"contract.{part.value}_ok", **params))


def _fault(part: Part, name: str, **params: int | float | str) -> Finding:
    return Finding(part, False, message(f"contract.{name}", **params))


def _untold(part: Part, name: str, **params: int | float | str) -> Finding:
    return Finding(part, None, message(f"contract.{name}", **params))


def _keys_of(seen: Observed) -> tuple[int, int]:
    """Keys that were written with the new TTL, and with the one before."""
    setting = seen.setting
    new = sum(each.may_be(setting.value_seconds) for each in seen.lifetimes)
    return new, sum(each.may_be(setting.old_seconds) for each in seen.lifetimes)


def _reads(seen: Observed) -> Finding:
    new, _ = _keys_of(seen)
    if seen.own is None and seen.shared is None and not new:
        return _fault(Part.READS, "not_read", seconds=round(seen.waited_seconds))
    return _fine(Part.READS)


def _acknowledges(seen: Observed) -> Finding:
    told, setting = seen.own or seen.shared, seen.setting
    if told is None:
        if _reads(seen).ok:
            return _fault(Part.ACKNOWLEDGES, "not_acknowledged")
        return _untold(Part.ACKNOWLEDGES, "needs_reading")
    if (told.value, told.version) != (str(setting.value_seconds), str(setting.version)):
        wanted = f"{setting.value_seconds}/{setting.version}"
        return _fault(Part.ACKNOWLEDGES, "acknowledged_other", found=f"{told.value}/{told.version}", wanted=wanted)
    if seen.own is not None and seen.own.contract != "2":
        return _fault(Part.ACKNOWLEDGES, "no_contract", found=seen.own.contract or "-")
    return _fine(Part.ACKNOWLEDGES)


def _writes(seen: Observed) -> Finding:
    if not _reads(seen).ok:
        return _untold(Part.WRITES, "needs_reading")
    if not seen.lifetimes:
        return _untold(Part.WRITES, "no_keys", seconds=round(seen.waited_seconds))
    setting, (new, old) = seen.setting, _keys_of(seen)
    wanted = {"value_seconds": setting.value_seconds, "old_seconds": setting.old_seconds}
    if old == len(seen.lifetimes) >= ENOUGH_KEYS:
        return _fault(Part.WRITES, "not_used", keys=old, **wanted)
    if any(each.most is None for each in seen.lifetimes):
        return _fault(Part.WRITES, "no_expiry", **wanted)
    others = [each for each in seen.lifetimes if not each.may_be(setting.value_seconds)]
    others = [each for each in others if not each.may_be(setting.old_seconds)]
    if others:
        found = sorted(each.most or 0.0 for each in others)[len(others) // 2]
        keys = {"keys": len(others), "all": len(seen.lifetimes)}
        return _fault(Part.WRITES, "wrong_ttl", found_seconds=round(found), **keys, **wanted)
    return _fine(Part.WRITES, keys=new + old) if new else _untold(Part.WRITES, "few_keys", keys=old)


def _reports(seen: Observed) -> Finding:
    if not seen.batches:
        return _fault(Part.REPORTS, "no_batches", seconds=round(seen.waited_seconds))
    for each in seen.batches:
        if isinstance(each, Malformed):
            return _fault(Part.REPORTS, f"batch_{each.field}", found=each.found)
    batches = [each for each in seen.batches if isinstance(each, Batch)]
    fault = next(_sequence_faults(batches), None) or _of_records(seen, batches)
    if fault is not None:
        return fault
    if abs(seen.ahead_seconds) > MOST_AHEAD_SECONDS + (LONGEST_BATCH_SECONDS if seen.ahead_seconds < 0 else 0):
        return _fault(Part.REPORTS, "batch_clock", seconds=seen.ahead_seconds)
    if seen.own is not None and not any(each.version == seen.setting.version for each in batches):
        return _fault(Part.REPORTS, "batch_v", found=str(batches[-1].version), wanted=seen.setting.version)
    return _fine(Part.REPORTS, batches=len(batches), accesses=sum(map(len, batches)))


def _sequence_faults(batches: Sequence[Batch]) -> Iterator[Finding]:
    before: dict[str, int] = {}
    for batch in batches:
        expected = before.get(batch.instance, batch.sequence - 1) + 1
        if batch.sequence != expected:
            yield _fault(Part.REPORTS, "batch_s", found=batch.sequence, expected=expected)
        before[batch.instance] = batch.sequence


def _of_records(seen: Observed, batches: Sequence[Batch]) -> Finding | None:
    """The first fault of well-formed records: keys that never come twice, no write noted, and keys that were to be left
    out."""
    misses, writes = (
        {hashed for batch in batches for hashed, _, kind, _ in batch if kind & KIND_MASK == each}
        for each in (MISS, WRITE)
    )
    if min(len(misses), len(writes)) >= ENOUGH_KEYS // 2 and not misses & writes:  # half of the keys are reported
        return _fault(Part.REPORTS, "hash_changes")
    if len(seen.lifetimes) >= ENOUGH_KEYS and not any(batch.counts[WRITE] for batch in batches):
        return _fault(Part.REPORTS, "no_writes", keys=len(seen.lifetimes))
    for batch in batches if seen.own is not None else ():
        late = batch.version == seen.setting.version and batch.below != seen.setting.below
        if late or any(hashed >> 16 >= batch.below for hashed, *_ in batch):
            return _fault(Part.REPORTS, "not_thinned", found=batch.below, wanted=seen.setting.below)
    return None


def _holds_back(seen: Observed) -> Finding:
    if seen.own is None:
        return _untold(Part.HOLDS_BACK, "needs_acknowledging")
    setting, (new, old) = seen.setting, _keys_of(seen)
    if not old and new >= ENOUGH_KEYS:
        return _fault(Part.HOLDS_BACK, "not_held", keys=new, old_seconds=setting.old_seconds)
    writes = [
        (bool(kind & HELD), is_held(hashed, batch.version, setting.permille))
        for batch in seen.batches
        if isinstance(batch, Batch) and batch.version == setting.version
        for hashed, _, kind, _ in batch
        if kind & KIND_MASK == WRITE
    ]
    wrong = sum(told != wanted for told, wanted in writes)
    if wrong > len(writes) * MOST_WRONG:
        return _fault(Part.HOLDS_BACK, "held_others", wrong=wrong, all=len(writes))
    if not old or not new:
        return _untold(Part.HOLDS_BACK, "few_keys", keys=new + old)
    return _fine(Part.HOLDS_BACK, held=old, keys=new + old)
