"""What goes wrong in the simulated world, and which of it is an incident that an alert should tell of."""

from dataclasses import dataclass
from enum import StrEnum

from lumen.model.alert import AlertKind


class Trouble(StrEnum):
    """The names that scenario files use. `size` is what each one's strength means."""

    #: A release that answers a share `size` of its requests with 5xx; ends when it is rolled back.
    BAD_RELEASE_ERRORS = "bad_release_errors"
    #: A release that takes `size` times as long; ends when it is rolled back.
    BAD_RELEASE_SLOW = "bad_release_slow"
    #: The platform fails a share `size` of all requests, whatever release serves; nobody here can mend it.
    PLATFORM_ERRORS = "platform_errors"
    #: The model takes `size` times as long to answer.
    MODEL_SLOW = "model_slow"
    #: Other data leaves the answers a share `size` of their usual room in the cache.
    CACHE_SQUEEZED = "cache_squeezed"
    #: Somebody empties the cache every `size` seconds.
    CACHE_FLUSHED = "cache_flushed"
    #: A job burns `size` USD a day on the same bill.
    COST_SURGE = "cost_surge"
    #: `size` times as many people come. No incident: nothing is broken.
    FLASH = "flash"
    #: A share `size` of requests fails for a minute or two. No incident: over before anybody could look.
    BLIP = "blip"
    #: The measurements do not come. No incident of the service.
    BLIND = "blind"
    #: A release that is fine.
    RELEASE = "release"


LABEL_OF = {
    Trouble.BAD_RELEASE_ERRORS: AlertKind.AVAILABILITY,
    Trouble.BAD_RELEASE_SLOW: AlertKind.LATENCY,
    Trouble.PLATFORM_ERRORS: AlertKind.AVAILABILITY,
    Trouble.MODEL_SLOW: AlertKind.LATENCY,
    Trouble.CACHE_SQUEEZED: AlertKind.CACHE,
    Trouble.CACHE_FLUSHED: AlertKind.CACHE,
    Trouble.COST_SURGE: AlertKind.COST,
}
RELEASES = frozenset({Trouble.BAD_RELEASE_ERRORS, Trouble.BAD_RELEASE_SLOW, Trouble.RELEASE})
#: What a person ends by rolling back; everything else ends by itself.
ROLLED_BACK = frozenset({Trouble.BAD_RELEASE_ERRORS, Trouble.BAD_RELEASE_SLOW})


@dataclass(frozen=True, slots=True)
class Incident:
    """Half-open [start, end), in seconds since the world began. A bad release may be ended sooner by a rollback.

    `quiet`: for so many seconds before `start` a bad release serves and is fine.
    """

    trouble: Trouble
    start: float
    end: float
    size: float
    quiet: float = 0.0

    @property
    def released(self) -> float:
        """When it took the traffic; the start of anything but a release."""
        return self.start - self.quiet

    def covers(self, at: float) -> bool:
        return self.start <= at < self.end
