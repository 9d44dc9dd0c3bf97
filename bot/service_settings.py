"""The settings that may differ from service to service: its cache, its knobs, its people."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from bot.shapes import Unfit
from bot.thresholds import Thresholds
from lumen.model import ion_contract
from lumen.model.cluster_url import is_cluster, urls_of_nodes
from lumen.model.service import Approvers, ServiceId

T = TypeVar("T")

if TYPE_CHECKING:
    from bot.marked_yaml import Place
    from lumen.model.messages import Message

PROJECT = r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$"
REGION = r"^[a-z]+-[a-z]+[0-9]{1,2}$"
NAME = r"^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$"
_PERSON = re.compile(r"[UWS][A-Z0-9]+|[^@\s]+@[^@\s]+\.[^@\s]+")


def check_redis_url(value: SecretStr) -> SecretStr:
    """Asks the client's own parser, and refuses what that reads as something else: no host, or no number."""
    from redis.asyncio.connection import parse_url  # not needed by whoever judges figures that are given

    given = value.get_secret_value()
    for each in urls_of_nodes(given) if is_cluster(given) else (given,):
        url = urlsplit(each)
        parse_url(each)
        if url.scheme != "unix" and not (url.hostname and re.fullmatch(r"(/[0-9]*)?", url.path)):
            raise ValueError("give redis://host:port/db, rediss://, redis+cluster:// or unix:///path")
    return value


def cache_place(url: str) -> tuple[str, int, int]:
    """Host, port and database, or the path of a socket, 0 and the database: equal for all URLs of one cache.

    Of a cluster: the first of its nodes by name.
    """
    parts = urlsplit(min(urls_of_nodes(url)) if is_cluster(url) else url)
    database = re.search(r"(?:^|&)db=([0-9]+)", parts.query)
    if parts.scheme == "unix":
        return unquote(parts.path), 0, int(database[1]) if database else 0
    number = database[1] if database else parts.path.strip("/")
    return parts.hostname or "", parts.port or 6379, int(number or 0)


class ServiceSettings(Thresholds):
    """What holds for one service, beside what its figures are judged by."""

    # The cache that Lumen tunes
    cache_redis_url: SecretStr | None = None
    redis_host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]*$")] = ""
    redis_port: Annotated[int, Field(ge=1, le=65535)] = 6379
    redis_db: Annotated[int, Field(ge=0)] = 0
    cache_key_prefix: Annotated[str, Field(pattern=r"^[^\s*?\[\]]{1,128}$")] = "ion:cache:"
    ttl_actuator: Literal["redis", "cloud_run", "both"] = "redis"
    max_min_instances: Annotated[int, Field(ge=0, le=1000)] = 5

    # Its people
    slack_channel: Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{7,}$")]
    approvers: tuple[str, ...] = ()
    oncall_group: Annotated[str, Field(pattern=r"^([SUW][A-Z0-9]+)?$")] = ""
    runbook_url: Annotated[str, Field(pattern=r"^(https?://[^\s<>|]+)?$", max_length=300)] = ""

    @field_validator("approvers", mode="before")
    @classmethod
    def _each(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cache_key_prefix")
    @classmethod
    def _spares_the_contract(cls, value: str) -> str:
        if ion_contract.is_reached_by(value):
            raise ValueError("the prefix would reach Lumen's own keys")
        return value

    @field_validator("approvers")
    @classmethod
    def _user_or_group_ids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [one for one in value if not _PERSON.fullmatch(one)]
        if wrong:
            raise Unfit(part=", ".join(wrong))
        return value

    @field_validator("cache_redis_url")
    @classmethod
    def _cache_url(cls, value: SecretStr | None) -> SecretStr | None:
        return check_redis_url(value) if value else None

    @model_validator(mode="after")
    def _has_a_cache(self) -> "ServiceSettings":
        if self.cache_redis_url is None and not self.redis_host:
            raise Unfit("CACHE_REDIS_URL", "setting.no_cache")
        return self

    @property
    def cache_url(self) -> str:
        """The cache's URL: CACHE_REDIS_URL, or REDIS_HOST with its port and database."""
        if self.cache_redis_url is not None:
            return self.cache_redis_url.get_secret_value()
        return f"redis://{self.redis_host}:{self.redis_port}/{self.redis_db}"

    @property
    def who_may_approve(self) -> Approvers:
        """Nobody when APPROVERS is empty."""
        accounts = frozenset(a for a in self.approvers if "@" in a)
        groups = frozenset(a for a in self.approvers if a.startswith("S")) - accounts
        return Approvers(frozenset(self.approvers) - groups - accounts, groups, accounts)


@dataclass(frozen=True, slots=True)
class Watched:
    """All services of a services file, in its order.

    `notes`: what of their OpenSLO files is not taken, and where it stands.
    """

    settings: Mapping[ServiceId, ServiceSettings]
    labels: Mapping[ServiceId, Mapping[str, str]]
    notes: "Sequence[tuple[Place, Message]]"


def each(watched: Mapping[ServiceId, ServiceSettings], made: Callable[[ServiceSettings], T]) -> Mapping[ServiceId, T]:
    """What is `made` of each service's settings; services for which that is the same share one object."""
    by_settings: dict[int, T] = {}
    same: dict[T, T] = {}
    for settings in watched.values():
        if id(settings) not in by_settings:
            one = made(settings)
            by_settings[id(settings)] = same.setdefault(one, one)
    return {service: by_settings[id(settings)] for service, settings in watched.items()}
