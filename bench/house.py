"""The product's measures beside their bars: `python -m bench.house`. Exits 1 when a bar is missed.

Counted over `bot`, `handlers` and `lumen`: modules and their lines, lengths of functions, parameters of constructors
(also of those that a dataclass is given, unless it is a plain record of facts), Protocols with fewer than two
implementations and no comment that says why, and docstrings that begin with What, Who, How, Where or Which.
"""

import ast
import re
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PRODUCT = "bot", "handlers", "lumen"
MOST_PARAMETERS = 8
#: Where Protocols may be implemented: a fake of the tests counts.
EVERYWHERE = (*PRODUCT, "tests", "bench", "demo")
OPENINGS = re.compile(r"(What|Who|Whom|Whose|How|Where|Which)\b")
CITATION = re.compile(r"\b(mission|decision|issue) \d")
#: Of a Protocol's docstring or of the comment above it: why there is only one implementation.
REASON = re.compile(r"keeps? (the )?use cases apart from (the )?adapters", re.IGNORECASE)
#: A dataclass of these folders is a record of facts; elsewhere it is one when nothing of it has methods of its own.
RECORDS = "lumen/model", "lumen/backtest", "lumen/verification", "lumen/effects", "lumen/alerts", "lumen/exporters"
FACTS = {"int", "float", "str", "bool", "bytes", "datetime", "date", "timedelta", "None", "Message", "NoData"}


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed file with its text."""

    path: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the answer; `bar` None: only shown."""

    name: str
    value: float
    before: str
    bar: float | None = None
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.bar is None or (self.value >= self.bar if self.at_least else self.value <= self.bar)

    def __str__(self) -> str:
        bar = "" if self.bar is None else f"{'>=' if self.at_least else '<='} {self.bar:,g}"
        return f"{self.name:<44} {self.value:>8,g}   before {self.before:<8} {bar:<10} {'' if self.holds else 'MISSED'}"


def modules(*folders: str) -> list[Module]:
    """Every file of the folders, but empty ones."""
    found = []
    for path in sorted(path for folder in folders for path in Path(folder).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if text.strip():
            found.append(Module(str(path), text, ast.parse(text)))
    return found


def classes(of: list[Module]) -> Iterator[tuple[Module, ast.ClassDef]]:
    """With the module that each stands in."""
    for module in of:
        yield from ((module, node) for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef))


def functions(of: list[Module]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Methods and inner functions too."""
    for module in of:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def long_constructors(of: list[Module]) -> Iterator[str]:
    """Hand-written ones with too many parameters."""
    for module, node in classes(of):
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                count = len(method.args.posonlyargs + method.args.args + method.args.kwonlyargs) - 1
                if count > MOST_PARAMETERS:
                    yield f"{module.path}: {node.name} {count}"


def long_wirings(of: list[Module]) -> Iterator[str]:
    """Dataclasses that hold more parts than that, and are no records of facts."""
    for module, node in classes(of):
        if not any("dataclass" in ast.unparse(each) for each in node.decorator_list):
            continue
        fields = [each for each in node.body if isinstance(each, ast.AnnAssign) and _is_parameter(each)]
        if len(fields) > MOST_PARAMETERS and not module.path.startswith(RECORDS) and _is_wiring(fields, of):
            yield f"{module.path}: {node.name} {len(fields)}"


def _is_parameter(field: ast.AnnAssign) -> bool:
    """Whether the generated constructor takes it."""
    return "ClassVar" not in _type(field) and (field.value is None or "init=False" not in ast.unparse(field.value))


def single_protocols(of: list[Module], everywhere: list[Module]) -> tuple[int, list[str]]:
    """How many Protocols there are, and those with one implementation or none, and no reason beside them."""
    protocols = [(module, node) for module, node in classes(of) if _is_protocol(node)]
    offered = [_offered(node) for _, node in classes(everywhere) if not _is_protocol(node)]
    lacking = []
    for module, protocol in protocols:
        wanted = _offered(protocol)
        done = sum(wanted.items() <= each.items() for each in offered)
        if done < 2 and "__call__" not in wanted and not REASON.search(_beside(module, protocol)):
            lacking.append(f"{module.path}: {protocol.name} {done}")
    return len(protocols), lacking


def riddles(of: list[Module]) -> int:
    """Docstrings that open with a question word."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    nodes = (node for module in of for node in ast.walk(module.tree) if isinstance(node, documented))
    return sum(OPENINGS.match(ast.get_docstring(node) or "") is not None for node in nodes)


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(_name(base) == "Protocol" for base in node.bases)


def _offered(node: ast.ClassDef) -> dict[str, tuple[str, ...]]:
    """Methods with the names of their parameters; a property is as good as a field, so neither counts."""
    methods = [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    plain = [each for each in methods if not any(_name(by) == "property" for by in each.decorator_list)]
    return {each.name: tuple(one.arg.strip("_") for one in each.args.args) for each in plain}


def _beside(module: Module, node: ast.ClassDef) -> str:
    """The class's docstring, the comments above it, and the docstrings of the module and its package."""
    lines = module.text.splitlines()[: node.lineno - 1]
    comments = []
    while lines and lines[-1].startswith("#"):
        comments.append(lines.pop())
    package = (Path(module.path).parent / "__init__.py").read_text(encoding="utf-8")
    said = (*comments, ast.get_docstring(node) or "", ast.get_docstring(module.tree) or "", package)
    return " ".join(said).replace("\n", " ")


def _is_wiring(fields: list[ast.AnnAssign], of: list[Module]) -> bool:
    """Whether any field's type is a class of the product that has work to do: no dataclass, no enumeration."""
    workers = {
        node.name
        for _, node in classes(of)
        if not node.decorator_list and not any(_name(base) in ("StrEnum", "Enum", "BaseModel") for base in node.bases)
    }
    return any(set(re.findall(r"\w+", _type(each))) & (workers - FACTS) for each in fields)


def _type(field: ast.AnnAssign) -> str:
    return ast.unparse(field.annotation)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def main() -> int:
    """Print every figure and what misses a bar."""
    product, everywhere = modules(*PRODUCT), modules(*EVERYWHERE)
    lines = [module.lines for module in product]
    lengths = sorted((each.end_lineno or each.lineno) - each.lineno + 1 for each in functions(product))
    constructors, wirings = list(long_constructors(product)), list(long_wirings(product))
    count, single = single_protocols(product, everywhere)
    citations = [
        f"{m.path}: {m.text[: f.start()].count(chr(10)) + 1}" for m in everywhere for f in CITATION.finditer(m.text)
    ]
    figures = [
        Figure("modules", len(product), "381", 250),
        Figure("lines", sum(lines), "35,227", 33_200),
        Figure("lines of a module, median", statistics.median(lines), "81", 110, at_least=True),
        Figure("lines of the longest module", max(lines), "", 420),
        Figure("lines of a function, p95", lengths[int(len(lengths) * 0.95)], "", 25),
        Figure("constructors with more than 8 parameters", len(constructors), "12", 0),
        Figure("dataclasses that wire more than 8 parts", len(wirings), "", 0),
        Figure("Protocols", count, "52"),
        Figure("Protocols alone and without a reason", len(single), "23", 0),
        Figure("docstrings that open with What, Who, …", riddles(product), "461"),
        Figure("citations of what no reader has", len(citations), "61", 0),
    ]
    print("\n".join(map(str, figures)))
    for title, found in (
        ("constructors", constructors),
        ("wiring", wirings),
        ("Protocols", single),
        ("citations", citations),
    ):
        print(*(f"  {title}: {one}" for one in found), sep="\n", end="\n" if found else "")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
