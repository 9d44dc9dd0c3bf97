"""Services that are watched, people, and who of them may approve."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, order=True)
class ServiceId:
    """One Cloud Run service. `key` is unique across projects and regions."""

    project: str
    region: str
    name: str

    @property
    def key(self) -> str:
        """`project/region/name`, as it stands in stored keys."""
        return f"{self.project}/{self.region}/{self.name}"

    @property
    def path(self) -> str:
        """The Cloud Run resource name."""
        return f"projects/{self.project}/locations/{self.region}/services/{self.name}"

    @staticmethod
    def from_key(key: str) -> "ServiceId":
        """Inverse of `key`. Raises ValueError for anything else."""
        project, region, name = key.split("/")
        return ServiceId(project, region, name)


def names_of(services: Sequence[ServiceId]) -> dict[ServiceId, str]:
    """What people call each of these: its name, with the project where another has the same, else its key."""
    names = Counter(service.name for service in services)
    beside = Counter((service.project, service.name) for service in services)
    return {
        service: service.name
        if names[service.name] == 1
        else f"{service.project}/{service.name}"
        if beside[service.project, service.name] == 1
        else service.key
        for service in services
    }


def named(services: Iterable[ServiceId], text: str) -> list[ServiceId]:
    """Those of these services that `text` may mean: by name, by `project/name`, or by key."""
    return [one for one in services if text in (one.name, f"{one.project}/{one.name}", one.key)]


def homes_of(services: Sequence[ServiceId]) -> Mapping[str, ServiceId]:
    """By project the first of its services, which speaks for the project's money; the very first, for all of Lumen."""
    homes: dict[str, ServiceId] = {}
    for service in services:
        homes.setdefault(service.project, service)
    return homes


def by_project(services: Iterable[ServiceId]) -> Mapping[str, Sequence[ServiceId]]:
    """Each project's, in their order."""
    found: dict[str, list[ServiceId]] = {}
    for service in services:
        found.setdefault(service.project, []).append(service)
    return found


def mates_of(service: ServiceId, services: Sequence[ServiceId]) -> Sequence[ServiceId]:
    """The other ones of its project."""
    return [one for one in services if one.project == service.project and one != service]


#: What the id of an operator begins with; no id of Slack has a colon.
OPERATOR = "cli:"


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user, or an operator on the command line. `name` is for reading only.

    Rights go by `user_id`; that of an operator is `cli:` and the Google account.
    """

    user_id: str
    name: str
    team_id: str

    @staticmethod
    def operator(account: str) -> "Person":
        """Somebody on the command line, known by a Google account rather than by Slack."""
        return Person(f"{OPERATOR}{account}", account, "")


@dataclass(frozen=True, slots=True)
class Permit:
    """A person whose permission for what they ask was just checked (lumen/use_cases/approvals.py makes it).

    Use cases that not everybody may call take it in place of a `Person`, so that no door can forget the check.
    """

    person: Person


@dataclass(frozen=True, slots=True)
class Approvers:
    """Slack users and user groups, and Google accounts for the command line, that may decide. Empty: nobody."""

    users: frozenset[str]
    groups: frozenset[str]
    accounts: frozenset[str] = frozenset()

    def with_group(self, slack_id: str) -> "Approvers":
        """These and one more user group (S…) or user (U…, W…); "" adds nobody."""
        if not slack_id:
            return self
        if slack_id.startswith("S"):
            return replace(self, groups=self.groups | {slack_id})
        return replace(self, users=self.users | {slack_id})


@dataclass(frozen=True, slots=True)
class Chosen:
    """The service that a channel's commands speak of: chosen by whom, and when."""

    service: ServiceId
    by: Person
    at: datetime
