"""docs/security.md says of each scope that the Slack app asks for why it does, and of no other."""

import re

import yaml

from tests.docs.test_tracked_files import ROOT


def test_every_scope_has_its_reason() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    table = page.split("| scope | why |")[1].split("\n\n")[0]
    written = [name for row in table.splitlines()[2:] for name in re.findall(r"`([\w:]+)`", row.split("|")[1])]
    asked = yaml.safe_load((ROOT / "manifest.yaml").read_text(encoding="utf-8"))["oauth_config"]["scopes"]["bot"]
    assert sorted(written) == sorted([*asked, "connections:write"])
