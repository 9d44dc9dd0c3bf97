"""The workspace at the start: the team, its people, user groups, channels and the app."""

from dataclasses import dataclass, field

from sandbox.slack.wire import Json


@dataclass(frozen=True)
class Team:
    id: str = "T0ION00001"
    name: str = "ION Mentoring"
    domain: str = "ion-mentoring"


@dataclass(frozen=True)
class User:
    """A person (or the bot's own user). `tz_offset` in seconds east of UTC, as Slack gives it in winter."""

    id: str
    name: str
    real_name: str
    tz: str = "Etc/UTC"
    tz_offset: int = 0
    locale: str = "en-US"
    is_bot: bool = False
    color: str = "4a6fa5"

    def wire(self, team_id: str, *, include_locale: bool) -> Json:
        """The `user` object of users.info; `locale` only when it was asked for, as Slack does."""
        user: Json = {
            "id": self.id, "team_id": team_id, "name": self.name, "deleted": False, "color": self.color,
            "real_name": self.real_name, "tz": self.tz, "tz_label": self.tz.split("/")[-1].replace("_", " "),
            "tz_offset": self.tz_offset, "is_admin": False, "is_owner": False, "is_primary_owner": False,
            "is_restricted": False, "is_ultra_restricted": False, "is_bot": self.is_bot, "is_app_user": False,
            "updated": 0,
            "profile": {
                "real_name": self.real_name, "real_name_normalized": self.real_name,
                "display_name": self.name, "display_name_normalized": self.name, "team": team_id,
            },
        }  # fmt: skip
        if include_locale:
            user["locale"] = self.locale
        return user


@dataclass(frozen=True)
class UserGroup:
    id: str
    handle: str
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Channel:
    id: str
    name: str
    members: tuple[str, ...]
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False
    topic: str = ""

    def wire(self, *, bot_user_id: str, team_id: str) -> Json:
        """The `channel` object of conversations.info."""
        return {
            "id": self.id, "name": self.name, "name_normalized": self.name, "is_channel": not self.is_private,
            "is_group": False, "is_im": self.is_im, "is_mpim": False, "is_private": self.is_private,
            "is_archived": self.is_archived, "is_general": self.name == "general", "is_shared": False,
            "is_org_shared": False, "is_member": bot_user_id in self.members, "created": 0, "creator": self.members[0],
            "context_team_id": team_id, "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0}, "previous_names": [],
        }  # fmt: skip


@dataclass(frozen=True)
class InstalledApp:
    """The bot under test as the workspace knows it. The tokens open nothing anywhere else."""

    id: str = "A0LUMEN001"
    bot_id: str = "B0LUMEN001"
    bot_user_id: str = "U0LUMENBOT"
    bot_token: str = "xoxb-sandbox"
    app_token: str = "xapp-sandbox"
    verification_token: str = "sandbox-verification-token"


APPROVER = User("U0MINA0001", "mina", "Mina Park", "Asia/Seoul", 32_400, "en-US", color="2f7d5b")
BYSTANDER = User("U0JONAS001", "jonas", "Jonas Weber", "Europe/Berlin", 3_600, "en-US", color="b5651d")
KOREAN_READER = User("U0JIWOO001", "jiwoo", "Jiwoo Han", "Asia/Seoul", 32_400, "ko-KR", color="7a4fa3")
SLACKBOT = User("USLACKBOT", "slackbot", "Slackbot", is_bot=True, color="757575")


@dataclass
class Directory:
    """Everything that has an id. Channels grow by direct messages only."""

    team: Team
    app: InstalledApp
    users: dict[str, User]
    groups: dict[str, UserGroup]
    channels: dict[str, Channel]
    people: tuple[str, ...] = field(default=())
    home_channel: str = "C0IONALERT"

    def channel_by(self, reference: str) -> Channel | None:
        """By id, or by `#name` as chat.postMessage still takes it for public channels."""
        found = self.channels.get(reference)
        if found is not None:
            return found
        name = reference.removeprefix("#")
        return next((c for c in self.channels.values() if c.name == name and not (c.is_private or c.is_im)), None)

    def direct_channel(self, user_id: str) -> Channel:
        """The conversation between the app and one person; made when first needed."""
        channel_id = "D" + user_id[1:]
        if channel_id not in self.channels:
            members = (self.app.bot_user_id, user_id)
            self.channels[channel_id] = Channel(channel_id, f"dm-{user_id}", members, is_private=True, is_im=True)
        return self.channels[channel_id]


def standard_directory(app_name: str) -> Directory:
    """Mina and Jiwoo may approve (group `ion-oncall`), Jonas may not (he is `ion-leads`); the app is in #ion-alerts
    alone."""
    app = InstalledApp()
    bot = User(app.bot_user_id, app_name.lower().replace(" ", "-"), app_name, is_bot=True, color="1d6fa5")
    people = (APPROVER, BYSTANDER, KOREAN_READER)
    everybody = tuple(p.id for p in people)
    channels = (
        Channel("C0IONALERT", "ion-alerts", (*everybody, bot.id), topic="What the ION service needs from us"),
        Channel("C0GENERAL1", "general", everybody, topic="Everybody"),
        Channel("C0ARCHIVED", "old-alerts", (*everybody, bot.id), is_archived=True),
        Channel("C0PRIVATE1", "ion-private", (APPROVER.id,), is_private=True),
    )
    groups = (
        UserGroup("S0IONCALL1", "ion-oncall", "ION on-call", (APPROVER.id, KOREAN_READER.id)),
        UserGroup("S0IONLEAD1", "ion-leads", "ION leads", (BYSTANDER.id,)),
    )
    directory = Directory(
        team=Team(),
        app=app,
        users={u.id: u for u in (*people, bot, SLACKBOT)},
        groups={group.id: group for group in groups},
        channels={c.id: c for c in channels},
        people=everybody,
    )
    for user_id in everybody:
        directory.direct_channel(user_id)
    return directory
