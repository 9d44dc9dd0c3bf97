"""The wheel: the product alone, with what it reads at run time, and a command line that works from it."""

import email
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.prove

ROOT = Path(__file__).parents[2]
PRODUCT = ("bot", "handlers", "lumen")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: building leaves folders behind."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for folder in (*PRODUCT, "sandbox", "demo"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source / file)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(built), str(source)], check=True, timeout=120)
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As it lies in site-packages, apart from any checkout."""
    folder = tmp_path_factory.mktemp("site")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_it_holds_every_file_of_the_product_and_nothing_else(wheel: Path) -> None:
    metadata = f"lumen_chatops-{PROJECT['version']}.dist-info/"
    wanted = {
        file.relative_to(ROOT).as_posix()
        for folder in PRODUCT
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {f"{folder}/py.typed" for folder in PRODUCT} <= wanted
    with ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if not name.startswith(metadata)} == wanted


def test_its_metadata_say_what_it_is(wheel: Path) -> None:
    metadata = f"lumen_chatops-{PROJECT['version']}.dist-info"
    with ZipFile(wheel) as archive:
        said = email.message_from_bytes(archive.read(f"{metadata}/METADATA"))
        assert archive.read(f"{metadata}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        assert b"lumen = bot.cli:main" in archive.read(f"{metadata}/entry_points.txt")
    assert (said["Name"], said["Version"]) == ("lumen-chatops", PROJECT["version"])
    assert (said["License-Expression"], said["Author"]) == ("MIT", "The Lumen authors")
    assert said["Keywords"] and said.get_all("Classifier")


def lumen(installed: Path, *arguments: str, locale: str = "en") -> "subprocess.CompletedProcess[str]":
    """The console script; the folder stands before this checkout."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "bot", *arguments],
        cwd=installed,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), "LUMEN_LOCALE": locale},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_says_its_version(installed: Path) -> None:
    run = lumen(installed, "--version")
    assert (run.returncode, run.stdout) == (0, f"lumen {PROJECT['version']}\n"), run.stderr


def test_the_demo_needs_a_checkout(installed: Path) -> None:
    run = lumen(installed, "demo")
    assert run.returncode == 64
    assert run.stderr == "The demo needs a checkout of Lumen: `make demo` there installs and starts it.\n"
