"""The services file (SERVICES): many services, each with settings of its own (docs/services-file.md).

What a service says goes before `defaults`, those go before the environment. Every problem is told with its place.
"""

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.environment import ReadBeside, is_open_to_others, secret_of_file
from bot.marked_yaml import Node, NotReadable, Place, read_documents
from bot.openslo import OpenSlo
from bot.service_settings import NAME, PROJECT, REGION, ServiceSettings, Watched
from bot.services_schema import (
    CACHE_URLS,
    KEYS,
    MOST_SERVICES,
    Entry,
    Said,
    Wrong,
    once_each,
    read_entry,
    refuse_key,
)
from bot.services_shared import contradictions
from bot.services_told import Sources, Told
from bot.shapes import Cause, causes
from lumen.model.messages import Message, message
from lumen.model.service import ServiceId

_URL, _URL_FILE, _URL_ENV = CACHE_URLS
_EXAMPLES = {_URL: "redis://10.0.0.3:6379/0", _URL_FILE: "secrets/ion-cache", _URL_ENV: "ION_CACHE_URL"}
_TOP = ("defaults", "services")
#: Settings that a whole file says in place of the environment.
ELSEWHERE = frozenset(("project_id", "service_name", *ServiceSettings.model_fields))


class Identity(BaseModel):
    """Which service it is."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    project_id: Annotated[str, Field(pattern=PROJECT)]
    region: Annotated[str, Field(pattern=REGION)] = "us-central1"
    name: Annotated[str, Field(pattern=NAME)]

    @property
    def service(self) -> ServiceId:
        return ServiceId(self.project_id, self.region, self.name)


class ServicesFile:
    """One reading of the file that SERVICES names: services, or every problem in the order of their places."""

    def __init__(self, given: Mapping[str, str], kind: type[ServiceSettings]) -> None:
        self._given = given
        self._file = given["SERVICES"]
        self._told = Told(given, self._file)
        self._beneath: dict[str, Any] = {
            name: given[name.upper()] for name in ServiceSettings.model_fields if name.upper() in given
        }
        channel = kind.model_fields["slack_channel"]
        if not channel.is_required():
            self._beneath.setdefault("slack_channel", channel.default)
        self._slo = OpenSlo(Path(self._file).parent)
        self._defaults = Entry(Place(self._file, 1, 1), "defaults")
        #: What does not go together in the defaults already, and is told of them alone.
        self._in_defaults: set[tuple[str, str]] = set()
        self._sources: dict[ServiceId, Sources] = {}
        self._settings: dict[ServiceId, ServiceSettings] = {}
        self._made: dict[frozenset[Any], ServiceSettings | ValidationError] = {}

    def read(self) -> ReadBeside:
        """All of it, at once: the garbage collector would look through the growing tree again and again."""
        collects = gc.isenabled()
        gc.disable()
        try:
            return self._read()
        finally:
            if collects:
                gc.enable()

    def _read(self) -> ReadBeside:
        if "SERVICE_NAME" in self._given:
            self._told.two_lists()
        root = self._root()
        if root is not None:
            self._read_root(root)
        for wrong in contradictions(self._sources, self._settings):
            self._told.at(wrong)
        problems = self._told.sentences
        if problems or not self._settings:
            return ReadBeside(problems, {}, ELSEWHERE)
        labels = {service: {**self._defaults.labels, **of.entry.labels} for service, of in self._sources.items()}
        watched = Watched(self._settings, labels, self._slo.notes)
        return ReadBeside((), self._of_home(), ELSEWHERE, watched, self._against)

    def _of_home(self) -> dict[str, Any]:
        """The first service's, where one value is for all."""
        home, *_ = self._settings
        own = {**self._beneath, **_values(self._sources[home].said)}
        names = tuple(service.name for service in self._settings)
        return {**own, "project_id": home.project, "region": home.region, "service_name": names}

    def _against(self, settings: Any) -> list[str]:
        """What of the services does not fit the settings that are for all."""
        for service, own in self._settings.items():
            for unfit in settings.unfit_of(own):
                self._told.cause(self._sources[service], Cause(unfit.name.lower(), unfit, False, False))
        return self._told.sentences

    def _root(self) -> Node | None:
        try:
            documents = read_documents(Path(self._file), self._file)
        except NotReadable as error:
            self._told.at(Wrong(error.place, error.wrong.code, error.wrong.params))
            return None
        except OSError as error:
            self._told.file(message("setting.yaml_unreadable", error=type(error).__name__))
            return None
        if not documents:
            self._told.at(Wrong(Place(self._file, 1, 1), "setting.yaml_empty", {}))
            return None
        for other in documents[1:]:
            self._told.at(Wrong(other.place, "setting.yaml_documents", {}))
        return documents[0]

    def _read_root(self, root: Node) -> None:
        top = Entry(root.place, self._file)
        if root.pairs is None:
            top.shape(root, "services", root, "services_wanted")
        for key, value in once_each(top, root):
            if key.text == "defaults" and value.pairs is not None:
                self._defaults = read_entry(value, "defaults", is_default=True)
            elif key.text in _TOP and (value.items is None or key.text == "defaults"):
                top.shape(key, str(key.text), value, "mapping_wanted" if key.text == "defaults" else "services_wanted")
            elif key.text not in _TOP:
                refuse_key(top, key, value, _TOP)
        self._take_defaults()
        services = root.get("services")
        if root.pairs is not None and (services is None or services.items == []):
            top.refuse(root.place, "no_services")
        for wrong in top.wrong:
            self._told.at(wrong)
        for number, node in enumerate((services.items if services is not None else None) or ()):
            if number >= MOST_SERVICES:
                self._told.at(Wrong(node.place, "setting.yaml_too_many", {"most": MOST_SERVICES}))
                break
            self._take(node, number)

    def _take_defaults(self) -> None:
        self._find_cache(self._defaults)
        for wrong in self._defaults.wrong:
            self._told.at(wrong)
        sources = Sources(self._defaults, self._defaults.said, self._defaults, self._given)
        own = self._validated(self._defaults.said)
        if isinstance(own, ValidationError):
            for cause in causes(own):
                is_lacking = cause.is_missing or (cause.name == _URL and _URL not in self._defaults.said)
                if not is_lacking and cause.name not in self._defaults.unread:
                    self._in_defaults.add((cause.name, str(cause.unfit)))
                    self._told.cause(sources, cause)

    def _take(self, node: Node, number: int) -> None:
        whose = (name.text if (name := node.get("name")) is not None else None) or f"services[{number}]"
        entry = read_entry(node, whose, is_default=False)
        if node.pairs is None:
            entry.shape(node, f"services[{number}]", node, "mapping_wanted")
        self._find_cache(entry)
        inherited = {name: said for name, said in self._defaults.said.items() if name not in entry.unread}
        said = {**inherited, **self._objectives(entry), **entry.said}
        sources = Sources(
            entry, {k: v for k, v in said.items() if inherited.get(k) is not v}, self._defaults, self._given
        )
        for wrong in entry.wrong:
            self._told.at(wrong)
        service = self._identity(sources, said) if node.pairs is not None else None
        own = self._validated(said) if node.pairs is not None else None
        if isinstance(own, ValidationError):
            self._tell(sources, own)
        if service is not None and service in self._sources:
            line = self._sources[service].entry.place.line
            self._told.at(Wrong(entry.place, "setting.yaml_service_twice", {"service": service.key, "line": line}))
        elif service is not None and isinstance(own, ServiceSettings):
            self._sources[service] = Sources(entry, said, self._defaults, self._given)
            self._settings[service] = own

    def _tell(self, sources: Sources, error: ValidationError) -> None:
        unread = sources.entry.unread | self._defaults.unread
        for cause in causes(error):
            is_told = (cause.name, str(cause.unfit)) in self._in_defaults and cause.name not in sources.said
            if cause.name not in unread and not is_told:
                self._told.cause(sources, cause)

    def _identity(self, sources: Sources, said: Mapping[str, Said]) -> ServiceId | None:
        beneath = {name: self._given[name.upper()] for name in ("project_id", "region") if name.upper() in self._given}
        try:
            return Identity.model_validate({**beneath, **_values(said)}).service
        except ValidationError as error:
            self._tell(sources, error)
            return None

    def _validated(self, said: Mapping[str, Said]) -> ServiceSettings | ValidationError:
        """Services that say the same share their settings."""
        values = {name: value for name, value in _values(said).items() if name in ServiceSettings.model_fields}
        key = frozenset(values.items())
        if key not in self._made:
            try:
                self._made[key] = ServiceSettings.model_validate({**self._beneath, **values})
            except ValidationError as error:
                self._made[key] = error
        return self._made[key]

    def _objectives(self, entry: Entry) -> Mapping[str, Said]:
        """Those of its OpenSLO file. What it says itself, too, must not contradict them."""
        file = entry.said.get("openslo")
        name, preset = entry.said.get("name"), entry.said.get("slo_preset", self._defaults.said.get("slo_preset"))
        if file is None or name is None:
            return {}
        preset_name = preset.text if preset is not None else self._given.get("SLO_PRESET", "default")
        taken = self._slo.of(name.text, file, preset_name)
        for wrong in taken.wrong:
            self._told.at(wrong)
        for setting, said in taken.objectives.items():
            if setting in entry.said:
                own = entry.said[setting]
                entry.refuse(own.place, "objective_twice", key=own.key, place=str(said.place))
        return taken.objectives

    def _find_cache(self, entry: Entry) -> None:
        """Replace the file or the variable that holds the cache's URL by the URL."""
        found = [entry.said.pop(name) for name in CACHE_URLS if name in entry.said]
        if entry.unread.intersection(CACHE_URLS):
            entry.unread.add(_URL)
        if len(found) > 1:
            entry.unread.add(_URL)
            entry.refuse(found[1].place, "cache_twice", key=found[1].key, other=found[0].key)
        elif found:
            self._read_url(entry, found[0])

    def _read_url(self, entry: Entry, said: Said) -> None:
        url, wrong = said.text, None
        if KEYS[said.key] == _URL_FILE:
            url, wrong = secret_of_file(Path(self._file).parent / said.text)
        elif KEYS[said.key] == _URL_ENV:
            url = self._given.get(said.text.upper(), "")
            wrong = None if url else message("setting.yaml_not_in_environment", name=said.text)
        elif _has_password(url) and is_open_to_others(Path(self._file)):
            wrong = Message("setting.yaml_password_open", {})
        if wrong is None:
            entry.said[_URL] = Said(said.place, url, said.key)
        else:
            entry.unread.add(_URL)
            is_url = KEYS[said.key] == _URL
            value, leaf = "(hidden)" if is_url else said.text, said.key.rpartition(".")[2]
            entry.refuse(said.place, "cache_url", key=leaf, value=value, wrong=wrong, example=_EXAMPLES[KEYS[said.key]])


def _has_password(url: str) -> bool:
    try:
        return bool(urlsplit(url).password)
    except ValueError:
        return False


def _values(said: Mapping[str, Said]) -> dict[str, str | tuple[str, ...]]:
    return {name: one.value for name, one in said.items()}
