"""Bad releases on real processes: a page, a countdown, and what it comes to."""

import asyncio

import pytest

from demo.world import World
from sandbox.client import SandboxClient, SeenMessage
from tests.scenarios.test_loop import APPROVE, shown, until

REJECT, SNOOZE = "proposal.reject", "proposal.snooze"
#: What served before the release.
GOOD = "ion-api-00041-qhm"
#: Long enough for a person to come in between, also where the machine pauses: 7.5 s of the wall.
HALF_AN_HOUR = {"ROLLBACK_TIMEOUT_SECONDS": "1800"}
#: Until two slices without errors have come in, with their delay, a countdown that ends would still see a failure.
AN_HOUR = {"ROLLBACK_TIMEOUT_SECONDS": "3600"}

#: An hour in 15 s: a page needs two slices and their delay.
pytestmark = pytest.mark.parametrize("world", [240.0], indirect=True)


def is_countdown(message: SeenMessage) -> bool:
    return SNOOZE in message.action_ids()


async def says(slack: SandboxClient, card: SeenMessage, words: str, within_seconds: float = 90) -> None:
    async def said() -> bool:
        return words in (await shown(slack, card)).text

    await until(said, within_seconds, f"the card says {words!r}")


async def traffic(slack: SandboxClient) -> dict[str, int]:
    """What is really served, by revision."""
    shares: dict[str, int] = (await slack.get("world/state"))["services"][0]["traffic"]
    return shares


async def a_countdown(slack: SandboxClient, kind: str = "bad_release_errors") -> SeenMessage:
    """A release that fails, and its page, with the countdown in it."""
    await slack.post("world/incident", kind=kind, error_share=0.1)
    await slack.wait_for_message(lambda m: "Page, firing" in m.text, within_seconds=90)
    return await slack.wait_for_message(is_countdown, within_seconds=60)


async def test_a_countdown_survives_kill_9_and_ends_in_a_rollback(world: World, slack: SandboxClient) -> None:
    bot = world.start_bot(**HALF_AN_HOUR)
    card = await a_countdown(slack)
    assert f"newest revision → {GOOD}" in card.text
    assert "Rolls back to 00041-qhm at" in card.text
    bot.kill()
    assert GOOD not in await traffic(slack)
    world.start_bot("heir", **HALF_AN_HOUR)
    await says(slack, card, "· applied")
    assert "approved by the timer" in (await shown(slack, card)).text
    assert await traffic(slack) == {GOOD: 100}


@pytest.mark.prove
async def test_the_blamed_release_shows_what_it_logs_without_its_secrets(world: World, slack: SandboxClient) -> None:
    world.start_bot(**HALF_AN_HOUR)
    card = await a_countdown(slack)
    await says(slack, card, "× `KeyError: 'mentor_profile'`")
    text = (await shown(slack, card)).text
    assert "Authorization: •••" in text
    assert "ya29." not in text
    assert "@example.com" not in text


@pytest.mark.prove
async def test_what_is_pinned_is_said_and_unpinned_by_command(world: World, slack: SandboxClient) -> None:
    world.start_bot(**HALF_AN_HOUR)
    card = await a_countdown(slack)
    await slack.click(card, APPROVE)
    await says(slack, card, "· applied")

    async def pinned() -> bool:
        await slack.command("/lumen status")
        return any(f"Traffic pinned to {GOOD} since" in m.text for m in await slack.messages() if m.ephemeral_to)

    await until(pinned, 60, "the status says what traffic is pinned to")
    await slack.command("/lumen unpin")
    back = await slack.wait_for_message(lambda m: APPROVE in m.action_ids() and f"{GOOD} → newest revision" in m.text)
    await slack.click(back, APPROVE)
    await says(slack, back, f"{GOOD} → newest revision · applied")
    assert GOOD not in await traffic(slack)


@pytest.mark.prove
async def test_snooze_then_reject_is_not_for_this_incident(world: World, slack: SandboxClient) -> None:
    world.start_bot(**HALF_AN_HOUR)
    card = await a_countdown(slack)
    before = card.text[card.text.index("Rolls back to") : card.text.index("* (in ")]
    await slack.click(card, SNOOZE)

    async def put_off() -> bool:
        return before not in (await shown(slack, card)).text

    await until(put_off, 90, "the card shows a later moment")
    bystander = world.addresses.bystander
    await slack.click(card, REJECT, user=bystander)
    await slack.wait_for_message(lambda m: m.ephemeral_to == bystander)
    await slack.click(card, REJECT)
    await says(slack, card, "Rejected by")
    # Two more looks of the watch: still failing, still paged, and nobody is asked again.
    await asyncio.sleep(3)
    assert [m.ts for m in await slack.messages() if f"newest revision → {GOOD}" in m.text and not m.ephemeral_to] == [
        card.ts
    ]
    assert GOOD not in await traffic(slack)


@pytest.mark.prove
async def test_a_release_that_recovers_is_left_alone(world: World, slack: SandboxClient) -> None:
    world.start_bot(**AN_HOUR)
    card = await a_countdown(slack, "bad_release_recovers")
    await slack.post("world/incident/stop", all=True)
    await says(slack, card, "Withdrawn")
    assert "The service has recovered." in (await shown(slack, card)).text
    assert SNOOZE not in (await shown(slack, card)).action_ids()
    assert GOOD not in await traffic(slack)
