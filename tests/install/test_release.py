"""What a release is made with: the SBOMs of the locks, the notes, and the image from a digest that nobody typed."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIGEST = "sha256:" + "ab" * 32


@pytest.mark.prove
def test_the_sbom_of_a_lock_has_each_of_its_pins() -> None:
    subprocess.run([ROOT / "scripts/sbom", "core"], check=True, timeout=120)
    sbom = json.loads((ROOT / "build/sbom/core.cdx.json").read_text())
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements/core.txt").read_text(), re.MULTILINE)
    assert sbom["bomFormat"] == "CycloneDX"
    assert sbom["metadata"]["component"]["name"] == "lumen-chatops"
    assert sorted((each["name"], each["version"]) for each in sbom["components"]) == sorted(pins)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the scripts of a release read, to be changed at will."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copy(ROOT / "Dockerfile", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n')
    return tmp_path


def run(script: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(script), *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("tag", "heading", "says"),
    [
        ("v0.3.0", "## [0.2.0] - 2026-01-31", "The tag is v0.3.0, and pyproject.toml says 0.2.0"),
        ("v0.2.0", "## [0.2.0] - unreleased", "no dated section of 0.2.0"),
    ],
)
def test_notes_of_what_is_not_ready_are_refused(checkout: Path, tag: str, heading: str, says: str) -> None:
    (checkout / "CHANGELOG.md").write_text(f"# Changelog\n\n{heading}\n\n- new\n")
    refused = run(checkout / "scripts/notes", tag)
    assert refused.returncode == 1
    assert says in refused.stderr


def test_notes_are_the_section_of_the_version(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [0.2.0] - 2026-01-31\n\n### Added\n\n- new\n\n## [0.1.0] - 2025-12-31\n\n- old\n"
    )
    assert run(checkout / "scripts/notes", "v0.2.0").stdout == "\n### Added\n\n- new\n\n"


#: Stands in for the docker of a machine with a daemon and a registry: it writes down what it is asked.
DOCKER = f"""#!/bin/sh
echo "$@" >>"$ASKED"
case "$*" in
    *SBOM*) echo '{{"spdxVersion": "SPDX-2.3"}}' ;;
    *Manifest.Digest*) echo {DIGEST} ;;
esac
"""


def test_the_image_is_built_from_the_digest_that_the_registry_names(checkout: Path) -> None:
    docker = checkout / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    made = run(
        checkout / "scripts/image",
        "registry.example/lumen:v0.2.0",
        "out",
        PATH=f"{checkout}:{os.environ['PATH']}",
        ASKED=str(checkout / "asked"),
    )
    assert made.returncode == 0, made.stderr
    (base,) = set(re.findall(r"^FROM (\S+)", (checkout / "Dockerfile").read_text(), re.MULTILINE))
    (build,) = [line for line in (checkout / "asked").read_text().splitlines() if line.startswith("buildx build")]
    assert f"--build-context {base}=docker-image://{base}@{DIGEST}" in build
    assert "--sbom=true --provenance=mode=max" in build
    facts = (checkout / "out/facts.md").read_text()
    assert f"`registry.example/lumen:v0.2.0@{DIGEST}`" in facts
    assert f"`{base}@{DIGEST}`" in facts
    assert json.loads((checkout / "out/sbom.spdx.json").read_text()) == {"spdxVersion": "SPDX-2.3"}
