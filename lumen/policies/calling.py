"""When the people on call are called, and when the calls end: a pure decision on an open incident."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.incident import CALLS_END, Incident


@dataclass(frozen=True, slots=True)
class Call:
    """`number`: as it is stored (Mentions). `say`: in a message of its own."""

    number: int
    say: bool = True


def next_call(incident: Incident, now: datetime, every: timedelta) -> Call | None:
    """The call that is due; None while there is none, where somebody is on it, and once the calls have ended.

    `every`: how long after the last one the next comes; zero: there is only the first. What follows the last call is
    its end, which goes to whoever is named for what nobody answers.
    """
    if not incident.wants_somebody:
        return None
    made = incident.mentions
    if made is None:
        # The message of what was a page from the first has just called them; an edited one calls nobody.
        return Call(0, say=not any(stored.called for stored in incident.alerts))
    if not every or now < made.at + every or made.repeat == CALLS_END:
        return None
    return Call(made.number + 1)
