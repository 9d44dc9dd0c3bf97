"""Of each service, where its messages go and who is asked: its channel, its approvers, who is called, its runbook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lumen.model.service import Approvers, ServiceId, names_of

#: The word for the services of the channel in which somebody asks.
HERE = "here"
#: Who may decide on a service that is not watched.
NOBODY = Approvers(frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Contact:
    """Of one service. `oncall`: the id of whom a page mentions, `runbook`: its address; either may be empty.

    `on_call`: who may say that they are on an incident. `labels`: for choosing among many services.
    """

    channel: str
    approvers: Approvers = NOBODY
    on_call: Approvers = NOBODY
    oncall: str = ""
    runbook: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


class Contacts:
    """Of all services that are watched, in their order; the first one's channel is home."""

    def __init__(self, of: Mapping[ServiceId, Contact]) -> None:
        self._of = of
        self._by_channel: dict[str, list[ServiceId]] = {}
        for service, contact in of.items():
            self._by_channel.setdefault(contact.channel, []).append(service)
        self.home_channel = next(iter(of.values())).channel
        self._names = names_of(tuple(of))
        #: What people may call them: a bare name that several have, too.
        self.names = tuple(dict.fromkeys((*self._names.values(), *(service.name for service in of))))

    @property
    def services(self) -> Sequence[ServiceId]:
        """All of them."""
        return tuple(self._of)

    def of(self, service: ServiceId) -> Contact:
        """Of one that is not watched: nobody, nowhere."""
        return self._of.get(service) or Contact("")

    def name_of(self, service: ServiceId) -> str:
        """The shortest name that is of no other."""
        return self._names.get(service, service.name)

    def channel_of(self, service: ServiceId) -> str:
        """Where its messages go; "" for one that is not watched."""
        return self.of(service).channel

    def approvers_of(self, service: ServiceId) -> Approvers:
        """Who may decide."""
        return self.of(service).approvers

    def on_call_of(self, service: ServiceId) -> Approvers:
        """Who may say that they are on an incident."""
        return self.of(service).on_call

    def in_channel(self, channel: str) -> Sequence[ServiceId]:
        """The services whose messages go there."""
        return self._by_channel.get(channel, ())

    def chosen(self, wanted: str, channel: str) -> Sequence[ServiceId]:
        """Those to which each word applies: a label as `team=payments`, `here` (this channel), or a part of a key."""
        words = wanted.lower().split()
        return [service for service in self._of if all(self._applies(word, service, channel) for word in words)]

    def _applies(self, word: str, service: ServiceId, channel: str) -> bool:
        name, is_label, value = word.partition("=")
        if is_label:
            return any((key.lower(), one.lower()) == (name, value) for key, one in self._of[service].labels.items())
        return self._of[service].channel == channel if word == HERE else word in service.key

    def beside(self, service: ServiceId) -> Sequence[ServiceId]:
        """The services of its channel, itself among them."""
        return self.in_channel(self.channel_of(service)) or (service,)
