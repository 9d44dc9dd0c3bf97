"""ARCHITECTURE.md names folders, modules and classes that exist, and every folder of the product."""

import re
from pathlib import Path

import pytest

from tests.docs.test_tracked_files import ROOT, tracked

PAGE = re.sub(r"\]\([^)]*\)", "]", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))
PRODUCT = ("bot", "handlers", "lumen")
#: A folder or module by its path or the end of it, with a class and a method where they follow.
PATH = re.compile(r"\b([a-z_]+(?:/[a-z_]+)+)(?:\.([A-Z]\w+)(?:\.(\w+))?)?")
METHOD = re.compile(r"(?<![\w/.])([A-Z]\w+)\.([a-z]\w+)")
CLASS = re.compile(r"`([A-Z][a-z]\w+)`")
SOURCES = {file: file.read_text(encoding="utf-8") for each in PRODUCT for file in (ROOT / each).rglob("*.py")}


def places(path: str) -> list[Path]:
    """The modules and folders that `path` names."""
    found = [file for file in SOURCES if f"/{file.with_suffix('')}".endswith(f"/{path}")]
    return found or [folder for folder in {file.parent for file in SOURCES} if str(folder).endswith(f"/{path}")]


def defines(source: str, name: str, method: str) -> bool:
    found = re.search(rf"^class {name}\b.*?(?=^\w|\Z)", source, re.MULTILINE | re.DOTALL)
    return found is not None and (not method or f"def {method}(" in found.group())


def listed_folders() -> list[str]:
    """Paths of the first block, which nests by indentation."""
    block = PAGE.split("```")[1]
    above, found = "", []
    for indent, name in re.findall(r"^( *)([a-z_]+)/ ", block, re.MULTILINE):
        above = above if indent else name
        found.append(f"{above}/{name}" if indent else name)
    return found


def test_the_folders_are_those_of_the_product() -> None:
    listed = listed_folders()
    assert [path for path in listed if not (ROOT / path).is_dir()] == []
    packages = {str(file.parent.relative_to(ROOT)) for file in SOURCES if file.name == "__init__.py"}
    assert {path for path in packages if path.count("/") < 2} <= set(listed)


def test_every_package_says_what_belongs_there() -> None:
    packages = [file for file in tracked() if file.name == "__init__.py"]
    silent = [str(file.relative_to(ROOT)) for file in packages if not file.read_text().startswith('"""')]
    assert len(packages) > 40
    assert silent == []


@pytest.mark.parametrize(("path", "name", "method"), sorted(set(PATH.findall(PAGE))))
def test_a_path_leads_to_what_it_names(path: str, name: str, method: str) -> None:
    found = places(path)
    assert found
    assert not name or any(file.is_file() and defines(SOURCES[file], name, method) for file in found)


@pytest.mark.parametrize("named", sorted({*((name, "") for name in CLASS.findall(PAGE)), *METHOD.findall(PAGE)}))
def test_a_class_that_is_named_exists(named: tuple[str, str]) -> None:
    assert any(defines(source, *named) for source in SOURCES.values())
