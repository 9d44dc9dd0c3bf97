"""Nothing that is tracked names a machine or a registry: a clone works wherever it is, with whichever index is set."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Written in pieces, since this file is tracked too.
HOSTS = ("python" + "hosted", "pypi" + ".org", "registry." + "npmjs", "deb." + "debian", "yarn" + "pkg")
FOLDERS = ("/wo" + "rk/", "/fa" + "rm/", "/ro" + "ot/", "/Us" + "ers/")
FORBIDDEN = re.compile("|".join(re.escape(each) for each in (*HOSTS, *FOLDERS)))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is no git checkout")
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [file for file in files if file.is_file()]


def test_no_machine_and_no_registry_is_named() -> None:
    found = []
    for file in tracked():
        if file.suffix in (".png", ".ico", ".woff2") or file.name.endswith(".min.js"):
            continue
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            match = FORBIDDEN.search(line)
            if match:
                found.append(f"{file.relative_to(ROOT)}:{number} {match.group()}")
    assert found == []


def test_no_file_is_too_long_to_read() -> None:
    """A module is one idea; a table of cases may be longer."""
    long = [
        f"{file.relative_to(ROOT)} has {lines} lines"
        for file in tracked()
        if file.suffix == ".py"
        and (lines := len(file.read_text().splitlines())) > (500 if "tests" in file.relative_to(ROOT).parts else 420)
    ]
    assert long == []


def test_links_between_documents_lead_somewhere() -> None:
    links = [
        (file, target)
        for file in tracked()
        if file.suffix == ".md"
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", file.read_text())
    ]
    broken = [
        f"{file.relative_to(ROOT)} -> {target}"
        for file, target in links
        if "://" not in target and not (file.parent / target).exists()
    ]
    assert broken == []
