"""`lumen setup` as it is typed: what it prints, what it ends with, and a bot that has its roles alone."""

import asyncio
import io
import re
from collections.abc import Iterator

import pytest

from demo.world import World
from lumen.use_cases.setup.resources import ROLES
from sandbox.client import SandboxClient
from tests.contract.command_line.conftest import Call

ASKED = {
    "ALERT_EMAIL": "ion-oncall@example.com",
    "BUDGET_TOPIC": "setup-news",
    "PUBLIC_URL": "https://lumen.example.com",
    "OIDC_SERVICE_ACCOUNT": "lumen-caller@naeda-genesis.iam.gserviceaccount.com",
    "UPTIME_URL": "https://ion-api.example.com/healthz",
}


def control(world: World, path: str, **body: object) -> object:
    async def ask() -> object:
        async with SandboxClient(world.addresses.control) as client:
            return await client.post(path, **body)

    return asyncio.run(ask())


@pytest.fixture
def project(watched: World, lumen: Call, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Nothing of Lumen's stands there before and after."""
    monkeypatch.delenv("BILLING_ACCOUNT")
    for name, value in ASKED.items():
        monkeypatch.setenv(name, value)
    lumen("setup", "destroy", "--yes")
    yield watched
    control(watched, "world/clear")
    assert lumen("setup", "destroy", "--yes").code == 0


def test_plan_apply_and_destroy_say_what_they_do_and_end_with_their_codes(project: World, lumen: Call) -> None:
    plan = lumen("setup", "plan")
    assert plan.code == 0
    assert '  + alert policy "ROI_Degradation"\n      + displayName = "ROI_Degradation"\n' in plan.out
    assert 'role "lumenMemorystore"' in plan.out
    assert lumen("setup", "plan", "--exit-code").code == 2
    made = lumen("setup", "apply")
    assert (made.code, made.err) == (0, "")
    assert 'dashboard "Lumen Feedback Loop": created' in made.out
    again = lumen("setup", "plan", "--exit-code")
    assert again.code == 0
    assert "No changes" in again.out
    assert "Done" not in lumen("setup", "apply").out
    gone = lumen("setup", "destroy")
    assert gone.code == 0
    assert re.search(r"- metric .*\n +# what it has recorded is deleted with it", gone.out)
    assert lumen("setup", "plan", "--json").json()["counts"]["create"] == plan.out.count("\n  + ") + 1


def test_another_setting_is_a_change_with_both_values(
    project: World, lumen: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    lumen("setup", "apply")
    monkeypatch.setenv("PUBLIC_URL", "https://other.example.com")
    plan = lumen("setup", "plan")
    change = '~ httpTarget.uri: "https://lumen.example.com/feedback/run" -> "https://other.example.com/feedback/run"'
    assert change in plan.out
    [job] = [one for one in lumen("setup", "apply", "--json").json()["resources"] if one["kind"] == "job"]
    assert (job["action"], job["done"], job["error"]) == ("update", True, None)
    monkeypatch.setenv("LUMEN_LOCALE", "ko")
    assert "지표" in lumen("setup", "plan").out


def test_a_dry_run_changes_nothing_and_neither_does_a_no(
    project: World, lumen: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRY_RUN", "true")
    for command in ("apply", "destroy"):
        said = lumen("setup", command)
        assert (said.code, said.err) == (0, "DRY_RUN is set: nothing was changed.\n")
    assert "+ dashboard" in lumen("setup", "plan").out
    monkeypatch.setenv("DRY_RUN", "false")
    assert lumen("setup", "apply").code == 0
    terminal = io.StringIO("n\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    refused = lumen("setup", "destroy")
    assert refused.code == 1
    assert refused.err.endswith("Nothing was changed.\n")
    monkeypatch.undo()
    for name, value in project.bot_environment(port=0, LOG_LEVEL="ERROR").items():
        monkeypatch.setenv(name, value)


def test_what_fails_is_said_with_what_was_made_and_the_second_run_completes_it(project: World, lumen: Call) -> None:
    control(project, "world/permissions", denied=["monitoring.alertPolicies.create", "cloudscheduler.*"])
    plan = lumen("setup", "plan")
    assert plan.code == 3
    assert "  ? Scheduler job\n" in plan.out
    made = lumen("setup", "apply")
    assert made.code == 2
    assert '✓ dashboard "Lumen Maturity": created' in made.out
    assert '✗ alert policy "ROI_Degradation": No permission' in made.out
    assert "`gcloud projects add-iam-policy-binding naeda-genesis" in made.out
    assert "Not done: 4." in made.out
    control(project, "world/permissions", denied=[])
    assert lumen("setup", "apply").code == 0
    assert lumen("setup", "plan", "--exit-code").code == 0


def test_a_budget_that_somebody_made_is_named_and_stays(
    project: World, lumen: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox's project has one of that name."""
    monkeypatch.setenv("BILLING_ACCOUNT", project.addresses.billing_account)
    assert lumen("setup", "apply").code == 0
    plan = lumen("setup", "plan", "--exit-code")
    assert plan.code == 2
    assert '  ! budget "ION API Monthly Budget"\n' in plan.out
    assert (
        "is there already without Lumen's mark.\n      # It stays as it is; `lumen setup apply --overwrite`" in plan.out
    )


@pytest.mark.prove
def test_a_turn_needs_no_more_than_the_roles_of_reading_and_publishing(project: World, lumen: Call) -> None:
    """Whatever is not in them is refused."""
    from sandbox.google.faults import PERMISSIONS

    allowed = {*ROLES["lumenReader"], *ROLES["lumenPublisher"]}
    control(project, "world/permissions", denied=sorted(set(PERMISSIONS.values()) - allowed))
    [turn] = lumen("tick", "--json").json()
    assert "permission" not in str(turn["missing"])
