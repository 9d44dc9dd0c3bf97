"""One line of `lumen doctor`."""

from dataclasses import dataclass, field

from lumen.model.messages import Message, NoData, message


@dataclass(frozen=True, slots=True)
class Thing:
    """One of several that are looked at alike.

    `noun`: that of all of them, as the catalogue counts them; `name`: its own; `kind`: the check without it.
    """

    noun: str
    name: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """`name` is what was looked at; `says` how it is, or what is wrong; `remedy` the sentence that mends it.

    `of`: whose check it is, where others like it have one too.
    """

    name: str
    ok: bool
    says: Message
    remedy: Message | None = None
    of: Thing | None = None

    @property
    def sentences(self) -> tuple[Message, ...]:
        """The sentences for people: the state, and the remedy where there is one."""
        return (self.says,) if self.remedy is None else (self.says, self.remedy)

    def as_json(self) -> dict[str, object]:
        """For programs: codes and values instead of words."""
        return {
            "name": self.name,
            "ok": self.ok,
            "says": {"code": self.says.code, **self.says.params},
            "remedy": None if self.remedy is None else {"code": self.remedy.code, **self.remedy.params},
        }


@dataclass(slots=True)
class Findings:
    """Collects checks under one prefix. `of`: the thing that all of them are about, whose name ends theirs."""

    prefix: str = ""
    of: Thing | None = None
    checks: list[Check] = field(default_factory=list)

    @classmethod
    def of_service(cls, name: str) -> "Findings":
        """Of one service, whose name begins theirs."""
        return cls(f"{name}: ", Thing("service", name))

    def fine(self, name: str, says: Message | None = None) -> None:
        """Nothing to do."""
        self._add(name, True, says or message("doctor.ok"), None)

    def mend(self, name: str, says: Message, remedy: Message) -> None:
        """Something to do."""
        self._add(name, False, says, remedy)

    def part(self, name: str, value: object) -> None:
        """A measurement: there, or why not."""
        if isinstance(value, NoData):
            self.mend(name, value.reason, value.remedy)
        else:
            self.fine(name)

    def _add(self, name: str, ok: bool, says: Message, remedy: Message | None) -> None:
        of, full = self.of, self.prefix + name
        if of is None:
            self.checks.append(Check(full, ok, says, remedy))
        elif self.prefix == f"{of.name}: ":
            self.checks.append(Check(full, ok, says, remedy, Thing(of.noun, of.name, name)))
        else:
            self.checks.append(Check(f"{full} ({of.name})", ok, says, remedy, Thing(of.noun, of.name, full)))
