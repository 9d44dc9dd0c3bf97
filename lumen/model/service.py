"""Which service is meant; its key is in every stored key, channel and approver list."""

from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user who asked or decided. `name` is for reading only; rights go by `user_id`."""

    user_id: str
    name: str
    team_id: str


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may decide: Slack user ids and user group ids. Both empty means nobody."""

    users: frozenset[str]
    groups: frozenset[str]
