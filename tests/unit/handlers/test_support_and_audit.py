"""SUPPORT_CONTACT stands in the help and where something went wrong; the audit's head stands in the digest."""

import logging

import pytest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.logger import get_bolt_logger
from slack_sdk.web.async_client import AsyncWebClient

from handlers.blocks import answers
from handlers.blocks.digest import digest
from lumen.model.digest import DigestReadout
from lumen.model.messages import LumenError, NotPossible, StoreUnavailable, message
from lumen.ports.store import Seal
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import NOW
from tests.unit.handlers.blocks import validated
from tests.unit.handlers.test_views import status, turn

MINA = "#ion-help <mina@naeda.example>"
WHY = message("command.ttl_hint")


@pytest.mark.parametrize("locale", LOCALES)
def test_whom_to_ask(locale: str) -> None:
    words = Catalogue(locale)
    for shown in (
        answers.help_card(words, (60, 3600), MINA),
        answers.failed(words, StoreUnavailable(WHY, WHY), MINA),
        answers.broken(words, ValueError("x"), MINA),
    ):
        validated(shown)
        assert "#ion-help &lt;mina@naeda.example&gt;" in shown.text


@pytest.mark.parametrize(
    ("error", "support"), [(NotPossible(WHY, WHY), MINA), (StoreUnavailable(WHY, WHY), ""), (LumenError(WHY, WHY), "")]
)
def test_nobody_is_bothered_without_need(error: LumenError, support: str) -> None:
    shown = answers.failed(Catalogue("en"), error, support)
    assert "Whom to ask" not in shown.text


@pytest.mark.parametrize("locale", LOCALES)
def test_the_head_of_the_audit(locale: str) -> None:
    seal = Seal(12, "1-0", "9-0", 9, "", "ab" * 32, NOW)
    shown = digest(Catalogue(locale), DigestReadout(status(turn()), NOW, (turn(),)), seal)
    validated(shown)
    assert "ab" * 32 in shown.text
    assert "12" in shown.text


def test_bolt_is_silent_about_a_token_that_it_finds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from slack_bolt.app.async_app import AsyncApp

    from handlers.app import _is_news

    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    logger = get_bolt_logger(AsyncApp)
    logger.addFilter(_is_news)
    with caplog.at_level(logging.WARNING):
        AsyncApp(client=AsyncWebClient(), authorize=_nobody, logger=logger)
    assert [record for record in caplog.records if "token" in record.getMessage()] == []


async def _nobody() -> AuthorizeResult:
    """Asked by nobody: the app is only made."""
    return AuthorizeResult(enterprise_id=None, team_id=None)
