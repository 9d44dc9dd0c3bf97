"""Every gcloud line that people are told can be typed: the command is there, and each of its flags."""

from typing import Any

import pytest

from tests.gcloud import EVERYWHERE, KNOWN, fault, own_tree, written


def test_every_gcloud_line_is_one_that_gcloud_takes() -> None:
    lines = list(written())
    assert len(lines) > 50
    assert [f"{where}: {why}" for where, line in lines if (why := fault(line))] == []


def test_a_wrong_line_would_be_found() -> None:
    assert fault("gcloud run services update x --add-cloudevents-trigger=y")
    assert fault("gcloud run worker-pools launch x")
    assert not fault("gcloud run services update x --update-env-vars=A=1 --region=r")


def test_the_table_is_what_gcloud_itself_says() -> None:
    tree = own_tree()
    if tree is None:
        pytest.skip("gcloud is not installed here")
    assert set(tree["flags"]) >= EVERYWHERE
    wrong = []
    for name, flags in KNOWN.items():
        node = _node(tree, name) or _node(tree, f"beta {name}")  # an older gcloud has worker pools there
        known = {*node["flags"], *(f"--no-{flag[2:]}" for flag in node["flags"])} if node else set()
        unknown = set(flags) - known if node else {"no such command"}
        if unknown:
            wrong.append((name, sorted(unknown)))
    assert wrong == []


def _node(tree: Any, name: str) -> Any:
    for word in name.split():
        if word not in tree["commands"]:
            return None
        tree = tree["commands"][word]
    return tree
