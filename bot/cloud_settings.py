"""The settings of what `lumen setup` makes in Google Cloud, and of who may call Lumen from there."""

from typing import Annotated, Literal

from pydantic import Field

from bot.thresholds import Thresholds

#: https, or http on this machine; without a query.
_URL = r"^(https://[^\s/?#@]+(/[^\s?#]*)?|http://(localhost|127\.0\.0\.1)(:[0-9]+)?(/[^\s?#]*)?)?$"
_MAIL = r"^([^@\s,]+@[^@\s,]+\.[^@\s,]+)?$"


class CloudSettings(Thresholds):
    """All may be empty: what they would make is left out then."""

    lumen_account: Annotated[str, Field(pattern=_MAIL)] = ""
    alert_email: Annotated[str, Field(pattern=_MAIL)] = ""
    public_url: Annotated[str, Field(pattern=_URL)] = ""
    oidc_audience: Annotated[str, Field(pattern=r"^\S*$")] = ""
    oidc_service_account: Annotated[str, Field(pattern=_MAIL)] = ""
    uptime_url: Annotated[str, Field(pattern=_URL)] = ""
    workers: Literal["none", "push", "pull"] = "none"

    @property
    def takes_triggers(self) -> bool:
        """It is said who may call from outside, and in whose name."""
        return bool(self.audience and self.oidc_service_account)

    @property
    def has_workers(self) -> bool:
        """Others look and turn; the bot takes up what they leave."""
        return self.workers != "none"

    @property
    def audience(self) -> str:
        """Whom the token of a call from outside must be for; "" where nobody calls."""
        return self.oidc_audience or self.public_url.rstrip("/")
