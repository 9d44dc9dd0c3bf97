"""What may stand in a services file, and which setting each of its keys is (docs/services-file.md)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.marked_yaml import Node, Place
from bot.shapes import shown, slips
from lumen.model.messages import Message, Param, message

#: The setting that each key is, `cache.key_prefix` for a key inside `cache`.
KEYS: Mapping[str, str] = {
    "project": "project_id",
    "region": "region",
    "name": "name",
    "channel": "slack_channel",
    "approvers": "approvers",
    "oncall_group": "oncall_group",
    "runbook_url": "runbook_url",
    "budget_usd": "budget_usd",
    "max_min_instances": "max_min_instances",
    "openslo": "openslo",
    "cache.redis_url": "cache_redis_url",
    "cache.redis_url_file": "cache_redis_url_file",
    "cache.redis_url_env": "cache_redis_url_env",
    "cache.instance": "cache_instance",
    "cache.key_prefix": "cache_key_prefix",
    "cache.size_mb": "cache_size_mb",
    "cache.max_size_mb": "max_cache_size_mb",
    "cache.lock_size": "lock_cache_size",
    "ttl.default_seconds": "default_ttl_seconds",
    "ttl.min_seconds": "min_ttl_seconds",
    "ttl.max_seconds": "max_ttl_seconds",
    "ttl.override_seconds": "override_ttl",
    "ttl.strategy": "ttl_strategy",
    "ttl.actuator": "ttl_actuator",
    "prices.api_cost_per_call": "api_cost_per_call",
    "prices.cache_cost_per_mb": "cache_cost_per_mb",
    "prices.staleness_cost_per_1000": "staleness_cost_per_1000",
    "objectives.preset": "slo_preset",
    "objectives.availability": "slo_availability",
    "objectives.error_rate": "slo_error_rate",
    "objectives.p95_ms": "slo_p95_ms",
    "objectives.p99_ms": "slo_p99_ms",
    "objectives.hit_rate": "slo_hit_rate",
    "alerts.availability": "alert_availability",
    "alerts.error_rate": "alert_error_rate",
    "alerts.p99_ms": "alert_p99_ms",
    "alerts.hit_rate": "alert_hit_rate",
}
PATHS: Mapping[str, str] = {setting: key for key, setting in KEYS.items()}
GROUPS = frozenset(key.partition(".")[0] for key in KEYS if "." in key)
#: Free for people, and for choosing.
LABELS = "labels"
#: What may stand at each level.
NAMES: Mapping[str, frozenset[str]] = {
    "": frozenset((LABELS, *(key.partition(".")[0] for key in KEYS))),
    **{
        f"{group}.": frozenset(key.partition(".")[2] for key in KEYS if key.startswith(f"{group}.")) for group in GROUPS
    },
}
#: At one of these the cache's URL is found.
CACHE_URLS = ("cache_redis_url", "cache_redis_url_file", "cache_redis_url_env")
MOST_LABELS, LONGEST_LABEL = 32, 63
MOST_SERVICES = 10_000
#: Settings whose value is a list.
LISTS = frozenset(("approvers",))


class Said(NamedTuple):
    """A value as it stands in a file, with the place of its key."""

    place: Place
    value: str | tuple[str, ...]
    key: str

    @property
    def text(self) -> str:
        """One value, or several separated by commas."""
        return self.value if isinstance(self.value, str) else ",".join(self.value)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A problem with its place; the words are made where the reader's language is known."""

    place: Place
    code: str
    params: Mapping[str, Param]


@dataclass(slots=True)
class Entry:
    """What one service, or `defaults`, says: by setting. `whose`: how it is named in sentences."""

    place: Place
    whose: str
    said: dict[str, Said] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)
    #: Settings that are said in a form that cannot be read: what is wrong with them has been told.
    unread: set[str] = field(default_factory=set)

    def refuse(self, at: Place, code: str, /, **params: Param) -> None:
        self.wrong.append(Wrong(at, f"setting.yaml_{code}", {"whose": self.whose, **params}))

    def shape(self, key: Node, name: str, found: Node, wanted: str) -> None:
        """Another kind of thing stands there."""
        self.refuse(
            key.place, "shape", key=name, found=kind_of(found, name), wanted=Message(f"setting.yaml_{wanted}", {})
        )


def kind_of(node: Node, name: str) -> Message:
    """For sentences: what stands there, without going into it, and without a secret's value."""
    if node.tag:
        return message("setting.yaml_a_tag", tag=node.tag)
    if node.text is not None:
        return message("setting.yaml_a_value", value=shown(name.upper(), node.text[:80]))
    if node.items is not None:
        return Message("setting.yaml_a_list", {})
    return Message("setting.yaml_a_mapping" if node.pairs is not None else "setting.yaml_nothing", {})


def read_entry(node: Node, whose: str, *, is_default: bool) -> Entry:
    """All that one mapping says, and all that is wrong with its form."""
    entry = Entry(node.place, whose)
    own = frozenset(("name", "openslo") if is_default else ())
    _read_level(entry, node, "", own)
    return entry


def _read_level(entry: Entry, node: Node, prefix: str, without: frozenset[str]) -> None:
    names = NAMES[prefix] - without
    for key, value in once_each(entry, node, prefix):
        path = f"{prefix}{key.text}"
        if key.text not in names:
            refuse_key(entry, key, value, names, prefix)
        elif path in GROUPS:
            _read_group(entry, key, value, path)
        elif path == LABELS:
            _read_labels(entry, key, value)
        else:
            _read_value(entry, key, value, path)


def refuse_key(entry: Entry, key: Node, value: Node, names: Collection[str], prefix: str = "") -> None:
    """There is no such key; the nearest is told, and all that there are."""
    path = f"{prefix}{key.text}"
    near, allowed = nearest_key(path, names, prefix), ", ".join(sorted(names))
    entry.refuse(key.place, "unknown", key=path, found=kind_of(value, path), nearest=near, names=allowed)


def once_each(entry: Entry, node: Node, prefix: str = "") -> Iterator[tuple[Node, Node]]:
    """The pairs of a mapping; a key that is no text, or that was there before, is refused and left out."""
    before: dict[str, Place] = {}
    for key, value in node.pairs or ():
        if key.text is None:
            entry.refuse(key.place, "key", found=kind_of(key, ""))
        elif key.text in before:
            entry.refuse(key.place, "twice", key=f"{prefix}{key.text}", line=before[key.text].line)
        else:
            before[key.text] = key.place
            yield key, value


def _read_group(entry: Entry, key: Node, value: Node, path: str) -> None:
    if value.pairs is None:
        entry.shape(key, path, value, "mapping_wanted")
    else:
        _read_level(entry, value, f"{path}.", frozenset())


def _read_labels(entry: Entry, key: Node, value: Node) -> None:
    if value.pairs is None:
        entry.shape(key, LABELS, value, "mapping_wanted")
        return
    for name, label in once_each(entry, value, f"{LABELS}."):
        path = f"{LABELS}.{name.text}"
        if (
            label.text is None
            or not 0 < len(label.text) <= LONGEST_LABEL
            or not 0 < len(name.text or "") <= LONGEST_LABEL
        ):
            entry.refuse(name.place, "label", key=path, found=kind_of(label, path), most=LONGEST_LABEL)
        elif len(entry.labels) >= MOST_LABELS:
            entry.refuse(name.place, "labels", key=path, most=MOST_LABELS)
        else:
            entry.labels[name.text or ""] = label.text


def _read_value(entry: Entry, key: Node, value: Node, path: str) -> None:
    setting = KEYS[path]
    if value.text is not None:
        entry.said[setting] = Said(key.place, value.text, path)
    elif value.items is not None and setting in LISTS:
        texts = [each.text for each in value.items]
        if None in texts:
            entry.shape(key, path, value.items[texts.index(None)], "a_list_wanted")
            entry.unread.add(setting)
        else:
            entry.said[setting] = Said(key.place, tuple(text for text in texts if text is not None), path)
    else:
        entry.shape(key, path, value, "a_list_wanted" if setting in LISTS else "a_value_wanted")
        entry.unread.add(setting)


def nearest_key(path: str, names: Collection[str], prefix: str) -> str:
    """The key that was meant: one of that name elsewhere, by the environment's name, or by the fewest slips."""
    lowered = path.lower().replace("-", "_")
    elsewhere = PATHS.get(lowered) or next((key for key in KEYS if key.endswith(f".{lowered.rpartition('.')[2]}")), "")
    by_slips = min(sorted(names), key=lambda name: slips(lowered.removeprefix(prefix), name))
    if elsewhere and slips(lowered.removeprefix(prefix), by_slips) > 1:
        return elsewhere
    return f"{prefix}{by_slips}"
