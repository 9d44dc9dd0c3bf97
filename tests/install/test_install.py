"""What `make` says on a machine that cannot run Lumen yet: one sentence that mends it, and no half-made environment."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy with nothing but what the installation reads, and an own folder for interpreters."""
    for folder in ("scripts", "requirements", "path"):
        (tmp_path / folder).mkdir()
    for name in ("scripts/install", "pyproject.toml", "requirements/demo.txt", "requirements/dev.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    for tool in ("sh", "dirname", "cat", "cksum", "uname"):
        found = shutil.which(tool)
        assert found
        (tmp_path / "path" / tool).symlink_to(found)
    return tmp_path


def interpreter(checkout: Path, name: str, script: str) -> None:
    file = checkout / "path" / name
    file.write_text(f"#!{shutil.which('sh')}\n{script}\n")
    file.chmod(0o755)


def install(checkout: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(checkout / "scripts" / "install"), "demo"],
        env={"PATH": str(checkout / "path"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


OLD = """case "$2" in *version_info\\[:3\\]*) echo 3.9.6;; *) exit 1;; esac"""


def new_without(module: str) -> str:
    """A real interpreter that lacks one module, as Debian's lacks ensurepip until python3-venv is installed."""
    return f"""case "$2" in *{module}*) exit 1;; *) exec {sys.executable} "$@";; esac"""


def test_no_python_at_all(checkout: Path) -> None:
    run = install(checkout)
    assert run.returncode == 1
    assert run.stderr == (
        "Lumen needs Python 3.11 or newer, and python3 is not there: install it, or name it with "
        "make PYTHON=/path/to/python3.\n"
    )


def test_an_old_python(checkout: Path) -> None:
    interpreter(checkout, "python3", OLD)
    run = install(checkout)
    assert run.returncode == 1
    assert run.stderr == (
        "Lumen needs Python 3.11 or newer, and python3 is Python 3.9.6: install a newer one, or name it with "
        "make PYTHON=/path/to/python3.\n"
    )


def test_no_venv_module(checkout: Path) -> None:
    interpreter(checkout, "python3", OLD)
    interpreter(checkout, "python3.12", new_without("ensurepip"))
    run = install(checkout)
    assert run.returncode == 1
    assert run.stderr == (
        "Lumen needs Python's venv module, and python3.12 has none: install it (on Debian and Ubuntu: "
        "apt install python3-venv) and try again.\n"
    )
    assert not (checkout / ".venv").exists()


def test_a_python_that_was_named_and_is_not_there(checkout: Path) -> None:
    run = install(checkout, PYTHON="/nowhere/python3")
    assert run.returncode == 1
    assert "/nowhere/python3 is not there" in run.stderr


@pytest.mark.prove
def test_packages_that_cannot_be_had(checkout: Path) -> None:
    """An unreachable registry ends in one sentence; the next try starts over, since nothing was marked as made."""
    interpreter(checkout, "python3", f'exec {sys.executable} "$@"')
    run = install(checkout, PIP_NO_INDEX="1", PIP_CONFIG_FILE="/dev/null")
    assert run.returncode == 1
    assert run.stderr.endswith(
        "The packages of requirements/demo.txt could not be installed (pip says why above): mend it and run the "
        "same command again.\n"
    )
    assert not list((checkout / ".venv").glob(".made-*"))
