"""One line of `lumen doctor`."""

from dataclasses import dataclass, field

from lumen.model.messages import Message, NoData, message


@dataclass(frozen=True, slots=True)
class Check:
    """`name` is what was looked at; `says` how it is, or what is wrong; `remedy` the sentence that mends it."""

    name: str
    ok: bool
    says: Message
    remedy: Message | None = None

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
    """Collects checks under one prefix."""

    prefix: str = ""
    checks: list[Check] = field(default_factory=list)

    def fine(self, name: str, says: Message | None = None) -> None:
        """Nothing to do."""
        self.checks.append(Check(self.prefix + name, True, says or message("doctor.ok")))

    def mend(self, name: str, says: Message, remedy: Message) -> None:
        """Something to do."""
        self.checks.append(Check(self.prefix + name, False, says, remedy))

    def part(self, name: str, value: object) -> None:
        """A measurement: there, or why not."""
        if isinstance(value, NoData):
            self.mend(name, value.reason, value.remedy)
        else:
            self.fine(name)
