"""Who Lumen is in Slack, asked once at the start."""

from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient


@dataclass(frozen=True, slots=True)
class Identity:
    """The workspace and app of the bot token. Clicks of others are refused."""

    team_id: str
    bot_user_id: str
    bot_id: str
    app_id: str


async def who_am_i(client: AsyncWebClient) -> Identity:
    """auth.test, then bots.info for the app's id. Raises what the SDK raises (SlackApiError for a bad token)."""
    test = await client.auth_test()
    bot = (await client.bots_info(bot=str(test["bot_id"])))["bot"]
    return Identity(str(test["team_id"]), str(test["user_id"]), str(test["bot_id"]), str(bot["app_id"]))
