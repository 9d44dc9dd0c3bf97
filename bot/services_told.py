"""Sentences of what is wrong with a services file, each with its place, in the reader's language."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.marked_yaml import Place
from bot.service_settings import ServiceSettings
from bot.services_schema import LISTS, PATHS, Entry, Said, Wrong
from bot.shapes import EXAMPLES, Cause, Problems, Unfit, shown
from lumen.model.messages import Message, Param, message

#: More than these nobody mends in one go.
MOST_TOLD = 50
#: A problem between a service and a setting of the environment, as one of the service.
_AS_OF_SERVICE = {
    "state_redis_url": Unfit("CACHE_REDIS_URL", "setting.cache_is_state", example=EXAMPLES["cache_redis_url"]),
    "oncall_escalation": Unfit("ONCALL_GROUP", "setting.nobody_to_call", example=EXAMPLES["oncall_group"]),
}
_SETTING = re.compile(r"(?<![A-Z0-9_])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./@%-]*")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a service has its settings from: what it says itself, what holds for all of the file, the environment."""

    entry: Entry
    said: Mapping[str, Said]
    defaults: Entry
    given: Mapping[str, str]


class Told:
    """Collects problems, each once."""

    def __init__(self, given: Mapping[str, str], file: str) -> None:
        self._problems = Problems(ServiceSettings, given)
        self._file = file
        self._told: dict[str, Place] = {}

    @property
    def sentences(self) -> list[str]:
        """In the order of the file; the environment's first."""
        ordered = sorted(self._told, key=lambda sentence: self._told[sentence])
        rest = len(ordered) - MOST_TOLD
        if rest <= 0:
            return ordered
        return [*ordered[:MOST_TOLD], self._problems.plain("setting.yaml_more", file=self._file, rest=rest)]

    def file(self, why: Message) -> None:
        """The file itself cannot be used."""
        unfit = Unfit("SERVICES", "setting.services_unusable", why=why)
        self._add(Place("", 0, 0), self._problems.wrong("services", unfit))

    def two_lists(self) -> None:
        """SERVICE_NAME and SERVICES contradict each other."""
        sentence = self._problems.plain(
            "setting.file", name="SERVICES", path=self._file, wrong=message("setting.two_lists")
        )
        self._add(Place("", 0, 0), sentence)

    def environment(self, name: str, unfit: Unfit) -> None:
        """A setting of the environment cannot be used, whatever the file says."""
        self._add(Place("", 0, 0), self._problems.wrong(name, unfit))

    def at(self, wrong: Wrong) -> None:
        """Something in the form of the file."""
        self._add(wrong.place, f"{wrong.place}: {self._problems.words.plain(Message(wrong.code, wrong.params))}")

    def cause(self, sources: Sources, cause: Cause) -> None:
        """A value that cannot be used, told where it is said; one that is inherited, where it does not fit."""
        unfit = _AS_OF_SERVICE.get(cause.name, cause.unfit)
        name = unfit.name.lower() or cause.name
        said, entry = sources.said.get(name), sources.entry
        if said is not None:
            self._wrong(said, entry.whose, name, unfit)
        elif name in sources.defaults.said and cause.is_of_one:
            self._wrong(sources.defaults.said[name], sources.defaults.whose, name, unfit)
        elif name in sources.defaults.said:
            inherited = sources.defaults.said[name]
            self._inherited(entry, name, inherited.text, str(inherited.place), unfit)
        elif name.upper() in sources.given and (cause.is_of_one or entry is sources.defaults):
            self.environment(name, unfit)
        elif name.upper() in sources.given:
            self._inherited(entry, name, sources.given[name.upper()], name.upper(), unfit)
        else:
            code = "setting.yaml_nameless" if name == "name" else "setting.yaml_missing"
            given = {"whose": entry.whose, "key": PATHS[name], "setting": name.upper()}
            self._sentence(entry.place, code, {**given, **self._allowed(name, unfit)})

    def _wrong(self, said: Said, whose: str, name: str, unfit: Unfit) -> None:
        value = shown(name.upper(), said.text)
        given: dict[str, Param] = {"key": said.key, "value": value, "whose": whose}
        given |= self._allowed(name, unfit)
        if unfit.part in ("", "?", said.text):
            self._sentence(said.place, "setting.yaml_wrong", given)
        else:
            self._sentence(said.place, "setting.yaml_wrong_part", {**given, "part": shown(name.upper(), unfit.part)})

    def _inherited(self, entry: Entry, name: str, text: str, source: str, unfit: Unfit) -> None:
        given = {"key": PATHS[name], "value": shown(name.upper(), text), "source": source, "whose": entry.whose}
        self._sentence(entry.place, "setting.yaml_inherited", {**given, **self._allowed(name, unfit)})

    def _allowed(self, name: str, unfit: Unfit) -> dict[str, Param]:
        allowed = self._problems.allowed(name, unfit.allowed)
        value = str(allowed["example"] if unfit.example is None else unfit.example)
        leaf = PATHS[name].rpartition(".")[2]
        return {"allowed": in_the_file(str(allowed["allowed"])), "example": f"{leaf}: {_written(name, value)}"}

    def _sentence(self, place: Place, code: str, given: Mapping[str, Param]) -> None:
        self._add(place, f"{place}: {self._problems.words.plain(Message(code, given))}")

    def _add(self, place: Place, sentence: str) -> None:
        self._told.setdefault(sentence, place)


def in_the_file(text: str) -> str:
    """Settings as their keys in the file, where they have one."""
    return _SETTING.sub(lambda found: PATHS.get(found[0].lower(), found[0]), text)


def _written(name: str, value: str) -> str:
    """As YAML that reads as this."""
    if name in LISTS:
        return f"[{', '.join(value.split(','))}]"
    return value if _NEEDS_NO_QUOTES.fullmatch(value) else json.dumps(value, ensure_ascii=False)
