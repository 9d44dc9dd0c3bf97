"""The workflows and hooks: they run what the checkout has, with no more rights than they need."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]


def jobs(workflow: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(workflow.read_text())["jobs"].values())


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(workflow) for step in job.get("steps", ())]


def missing(command: str) -> list[str]:
    """The targets and files of this checkout that a command names and that are not there."""
    words = command.split()
    if words[0] == "make":
        return [word for word in words[1:] if word not in TARGETS]
    scripts = [word for word in words if word.startswith(("scripts/", ".ci/"))]
    return [word for word in scripts if not (ROOT / word).stat().st_mode & 0o100]


def test_commands_are_targets_and_scripts_of_the_checkout() -> None:
    commands = [step["run"] for workflow in WORKFLOWS for step in steps(workflow) if "run" in step]
    commands += [hook["entry"] for repo in HOOKS for hook in repo["hooks"]]
    assert {".ci/run", "make dist sbom", "make lint"} <= set(commands)
    assert [each for command in commands for each in missing(command)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_rights_are_given_where_they_are_needed(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text())["permissions"] == {"contents": "read"}
    kept = [step for step in steps(workflow) if "checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in kept)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_actions_and_workflows_are_named_with_a_version(workflow: Path) -> None:
    used = [each["uses"] for each in (*jobs(workflow), *steps(workflow)) if "uses" in each]
    assert [name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+|\./\.github/workflows/ci\.yml", name)] == []


def test_a_release_is_checked_before_anything_is_published() -> None:
    release = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    assert release["check"]["uses"] == "./.github/workflows/ci.yml"
    assert all(job.get("needs") == "check" for name, job in release.items() if name != "check")


def test_newer_versions_are_looked_for_where_there_are_any() -> None:
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    wanted = {
        "pip": "*.txt",
        "github-actions": ".github/workflows/*.yml",
        "docker": "Dockerfile",
        "npm": "package.json",
    }
    assert {update["package-ecosystem"] for update in updates} == set(wanted)
    for update in updates:
        for folder in update.get("directories") or [update["directory"]]:
            assert list((ROOT / folder.strip("/")).glob(wanted[update["package-ecosystem"]])), folder


def test_the_base_image_is_named_by_tag_and_by_nothing_else() -> None:
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:\d+\.\d+-slim-[a-z]+", bases[0])
