"""The worth of Lumen on simulated weeks that nobody tuned it on: `python -m bench.verify [FIRST] [SEEDS] [DAYS]`.

Prints the bars of the verification over all seeds together, with what each seed came to above them.
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence

from lumen.verification.judge import Outcome
from lumen.verification.summary import Four, Summary, summary_of
from lumen.verification.verify import verify


def main(first: int = 101, seeds: int = 20, days: int = 7) -> None:
    found: list[Summary] = []
    knobs: Counter[str] = Counter()
    by_hand: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    slowest, spent, steps = 0.0, 0.0, 0
    for seed in range(first, first + seeds):
        began = time.process_time()
        result = verify(days, seed)
        took = time.process_time() - began
        slowest, spent = max(slowest, took), spent + took
        one = summary_of(result)
        found.append(one)
        for each in result.adjustments:
            outcome = each.judgement.outcome if each.judgement else None
            knobs[f"{each.change.knob} {'up' if (each.change.step or 0) > 0 else 'down'}: {outcome}"] += 1
        for counted, run in zip(by_hand, result.runs, strict=True):
            counted.update(f"{each.kind} {each.about}".strip() for each in run.interventions)
        steps += sum(bool(each.proposal.draft.step_of) for each in result.adjustments)
        print(_line(f"seed {seed}{' (hard)' if result.is_hard else ''}", one), flush=True)
    print(_line("together", pooled(found)))
    for name, count in sorted(knobs.items()):
        print(f"  {name} {count}")
    for name, counted in zip(("without", "with"), by_hand, strict=True):
        print(f"  by hand {name} Lumen: {', '.join(f'{kind} {count}' for kind, count in sorted(counted.items()))}")
    print(f"  messages: {', '.join(f'{kind} {times}' for kind, times in pooled(found).posts.most_common())}")
    print(f"  further steps of what was approved in steps: {steps}")
    print(f"a seed {spent / seeds:.1f} s of CPU, the slowest {slowest:.1f} s")


def pooled(found: Sequence[Summary]) -> Summary:
    """Counts are added, levels averaged. Raises ValueError for none."""
    if not found:
        raise ValueError("there is nothing to pool")
    outcomes: Counter[Outcome] = Counter()
    for one in found:
        outcomes.update(one.outcomes)
    return Summary(
        alerts=sum(one.alerts for one in found),
        true_alerts=sum(one.true_alerts for one in found),
        incidents=sum(one.incidents for one in found),
        detected=sum(one.detected for one in found),
        outcomes=outcomes,
        harmed_undone=sum(one.harmed_undone for one in found),
        to_undo=sum(one.to_undo for one in found),
        undone_in_time=sum(one.undone_in_time for one in found),
        by_hand_without=sum(one.by_hand_without for one in found),
        by_hand_with=sum(one.by_hand_with for one in found),
        answered=sum(one.answered for one in found),
        told=sum(one.told for one in found),
        told_for_nothing=sum(one.told_for_nothing for one in found),
        posts=sum((one.posts for one in found), Counter()),
        rollbacks=sum(one.rollbacks for one in found),
        wrong_rollbacks=sum(one.wrong_rollbacks for one in found),
        hit_rate=_mean([one.hit_rate for one in found]),
        cost=_mean([one.cost for one in found]),
        p95=_mean([one.p95 for one in found]),
    )


def _mean(values: Sequence[Four]) -> Four:
    before, untuned, by_hand, with_lumen = (_mean_of(column) for column in zip(*values, strict=True))
    return before, untuned, by_hand, with_lumen


def _mean_of(column: Sequence[float | None]) -> float | None:
    known = [value for value in column if value is not None]
    return sum(known) / len(known) if known else None


def _line(name: str, one: Summary) -> str:
    helped = one.outcomes[Outcome.HELPED]
    return (
        f"{name}: precision {one.true_alerts}/{one.alerts}, recall {one.detected}/{one.incidents}, helped "
        f"{helped}/{sum(one.outcomes.values())}, harmed {one.outcomes[Outcome.HARMED]} ({one.harmed_undone} undone), "
        f"undone in time {one.undone_in_time}/{one.to_undo}, by hand {one.by_hand_without} -> {one.by_hand_with} "
        f"({one.answered} answers), rollbacks {one.rollbacks} ({one.wrong_rollbacks} wrong), "
        f"told {one.told} ({one.told_for_nothing} for nothing), messages {one.messages}, "
        f"hit rate {_four(one.hit_rate, '.3f')}, cost {_four(one.cost, '.0f')}, P95 {_four(one.p95, '.0f')}"
    )


def _four(values: Four, form: str) -> str:
    return " -> ".join("-" if value is None else format(value, form) for value in values)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
