"""Whose token calls is checked with Google's keys, which a server of the test's own hands out: real RSA throughout."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable

import pytest

from lumen.adapters.google import tokens as room
from lumen.adapters.google.tokens import ISSUERS, CallerTokens, GoogleKeys
from lumen.model.messages import NotPermitted, NotVerified, SourceUnavailable
from tests.certificates import AUDIENCE, CALLER, Certificates, Key, new_key

FOREIGN = new_key()


def now() -> int:
    return int(time.time())


@pytest.fixture(scope="module")
async def certificates() -> AsyncIterator[Certificates]:
    async with Certificates() as server:
        yield server


@pytest.fixture
def tokens(certificates: Certificates) -> CallerTokens:
    certificates.asked, certificates.status = 0, 200
    certificates.served = {"key-1": certificates.served["key-1"]}
    return CallerTokens(GoogleKeys(certificates.url), AUDIENCE, CALLER)


def unsigned(token: str) -> str:
    head, body, _ = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(head + "=="))
    none = base64.urlsafe_b64encode(json.dumps({**told, "alg": "none"}).encode()).decode().rstrip("=")
    return f"{none}.{body}."


def with_other_body(token: str, other: str) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{other.split('.')[1]}.{signature}"


Makes = Callable[[Certificates], str]
#: What is wrong with a token, what it is refused with, and as what.
WRONG: dict[str, tuple[Makes, str, type[NotPermitted]]] = {
    "none": (lambda _: "", "trigger.no_token", NotVerified),
    "no token": (lambda _: "abc.def", "trigger.no_token", NotVerified),
    "far too long": (lambda c: c.token(jti="x" * 9000), "trigger.no_token", NotVerified),
    "signed by somebody else": (lambda c: c.token(key=FOREIGN), "trigger.forged", NotVerified),
    "key unknown": (lambda c: c.token(key=FOREIGN, kid="key-9"), "trigger.forged", NotVerified),
    "no key id": (lambda c: c.token(kid="", key=c.served["key-1"]), "trigger.no_token", NotVerified),
    "unsigned": (lambda c: unsigned(c.token()), "trigger.forged", NotVerified),
    "changed": (lambda c: with_other_body(c.token(), c.token(email="a@b.example")), "trigger.forged", NotVerified),
    "expired": (lambda c: c.token(iat=now() - 7200, exp=now() - 60), "trigger.expired", NotVerified),
    "not yet": (lambda c: c.token(iat=now() + 600), "trigger.forged", NotVerified),
    "no end": (lambda c: c.token(exp=None), "trigger.forged", NotVerified),
    "other audience": (lambda c: c.token(aud="https://other.example.com"), "trigger.other_audience", NotVerified),
    "audience and more": (lambda c: c.token(aud=[AUDIENCE, "x"]), "trigger.other_audience", NotVerified),
    "no audience": (lambda c: c.token(aud=None), "trigger.other_audience", NotVerified),
    "other issuer": (lambda c: c.token(iss="https://accounts.example.com"), "trigger.other_issuer", NotVerified),
    "issuer over http": (lambda c: c.token(iss="http://accounts.google.com"), "trigger.other_issuer", NotVerified),
    "no issuer": (lambda c: c.token(iss=None), "trigger.other_issuer", NotVerified),
    "other account": (lambda c: c.token(email="somebody@example.com"), "trigger.other_account", NotPermitted),
    "no account": (lambda c: c.token(email=None), "trigger.other_account", NotPermitted),
    "account in capitals": (lambda c: c.token(email=CALLER.upper()), "trigger.other_account", NotPermitted),
    "not verified": (lambda c: c.token(email_verified=False), "trigger.email_not_verified", NotPermitted),
    "verified in words": (lambda c: c.token(email_verified="true"), "trigger.email_not_verified", NotPermitted),
    "not said": (lambda c: c.token(email_verified=None), "trigger.email_not_verified", NotPermitted),
}


@pytest.mark.parametrize("name", WRONG)
async def test_every_wrong_token_is_refused(name: str, certificates: Certificates, tokens: CallerTokens) -> None:
    make, code, kind = WRONG[name]
    with pytest.raises(NotPermitted) as refused:
        await tokens.check(make(certificates))
    assert (refused.value.reason.code, type(refused.value)) == (code, kind)


@pytest.mark.parametrize("issuer", sorted(ISSUERS))
async def test_a_right_token_is_taken(issuer: str, certificates: Certificates, tokens: CallerTokens) -> None:
    await tokens.check(certificates.token(iss=issuer))


#: Heads and bodies that are JSON of another shape, no JSON, or no base64 at all.
ODD = (b"", b"{}", b"[]", b"null", b"1", b'"x"', b"{", b"\xff\xfe", b'{"kid":"key-1"}', b'{"kid":1}', b"[" * 2000)


async def test_whatever_is_sent_is_refused_and_nothing_else_is_raised(tokens: CallerTokens) -> None:
    parts = [base64.urlsafe_b64encode(each).decode() for each in ODD]
    right = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"key-1"}').decode()
    for sent in (*(f"{a}.{b}.x" for a in (right, *parts) for b in parts), "...", "ä.ö.ü", "a.b.c.d", "\ud800.x.y"):
        with pytest.raises(NotVerified):
            await tokens.check(sent)


async def test_keys_are_fetched_once_for_many(certificates: Certificates, tokens: CallerTokens) -> None:
    await asyncio.gather(*(tokens.check(certificates.token()) for _ in range(20)))
    assert certificates.asked == 1


async def test_a_new_key_is_found_and_an_unknown_one_looked_for_once(
    certificates: Certificates, tokens: CallerTokens
) -> None:
    await tokens.check(certificates.token())
    certificates.served = {**certificates.served, "key-2": Key(FOREIGN.private, FOREIGN.certificate)}
    await tokens.check(certificates.token(kid="key-2"))
    assert certificates.asked == 2
    for _ in range(3):
        with pytest.raises(NotVerified):
            await tokens.check(certificates.token(key=FOREIGN, kid="key-3"))
    assert certificates.asked == 3
    _, body, signature = certificates.token().split(".")
    for number in range(100):
        head = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": f"forged-{number}"}).encode()).decode()
        with pytest.raises(NotVerified):
            await tokens.check(f"{head}.{body}.{signature}")
    assert certificates.asked < 3 + room.MOST_UNKNOWN


async def test_keys_are_kept_as_long_as_their_answer_says(
    certificates: Certificates, tokens: CallerTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tokens.check(certificates.token())
    began = time.monotonic()
    monkeypatch.setattr("lumen.adapters.google.tokens.time.monotonic", lambda: began + 19_000)
    await tokens.check(certificates.token())
    assert certificates.asked == 1
    monkeypatch.setattr("lumen.adapters.google.tokens.time.monotonic", lambda: began + 20_000)
    await tokens.check(certificates.token())
    assert certificates.asked == 2


async def test_a_revoked_key_is_forgotten_and_no_keys_refuse_nobody_for_good(
    certificates: Certificates, tokens: CallerTokens
) -> None:
    certificates.status = 503
    with pytest.raises(SourceUnavailable):
        await tokens.check(certificates.token())
    certificates.status = 200
    await tokens.check(certificates.token())
