"""The committed bundle is what its sources make: one hash over them stands beside it."""

import hashlib
import json
from pathlib import Path

PAGE = Path(__file__).parents[3] / "sandbox" / "page"


def test_the_bundle_was_built_from_these_sources() -> None:
    names = [f"src/{p.name}" for p in (PAGE / "src").iterdir()]
    names += ["package.json", "package-lock.json", "build.sh", "hash.mjs", "licences.mjs"]
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(name.encode() + b"\0" + (PAGE / name).read_bytes() + b"\0")
    built_from = (PAGE / "static" / "SOURCES.sha256").read_text(encoding="utf-8").strip()
    assert built_from == digest.hexdigest(), "the page's sources changed: run `make page` and commit what it makes"


def test_licences_of_all_that_is_in_it() -> None:
    licences = (PAGE / "static" / "LICENSES.txt").read_text(encoding="utf-8")
    for name in json.loads((PAGE / "package.json").read_text(encoding="utf-8"))["dependencies"]:
        assert f"\n{name} " in licences


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((PAGE / "package-lock.json").read_text(encoding="utf-8"))
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or "integrity" in package or package.get("optional"), name
