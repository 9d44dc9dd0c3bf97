"""Who Lumen is in Slack, asked once at the start."""

from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient


@dataclass(frozen=True, slots=True)
class Identity:
    """The workspace and bot of the bot token. Clicks of others are refused.

    The app's own id is not here: Slack tells it in each connection's hello.
    """

    team_id: str
    bot_user_id: str
    bot_id: str


async def who_am_i(client: AsyncWebClient) -> Identity:
    """auth.test. Raises what the SDK raises (SlackApiError for a bad token)."""
    test = await client.auth_test()
    return Identity(str(test["team_id"]), str(test["user_id"]), str(test.get("bot_id", "")))
