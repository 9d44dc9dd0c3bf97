"""Whose credentials these are, as a token server and a userinfo server on loopback confirm it."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lumen.adapters.google import identity
from lumen.adapters.google.identity import google_account
from lumen.model.messages import NotPossible, SourceUnavailable


def unsigned(claims: dict[str, Any]) -> str:
    """A JWT whose signature nobody looks at."""
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"signature"))


@dataclass
class Google:
    """`grants`: refresh token -> claims of its owner. `id_tokens`: whether they come with the access token."""

    url: str = ""
    grants: dict[str, dict[str, Any]] = field(default_factory=dict)
    id_tokens: bool = True
    userinfo_status: int = 200
    asked: list[str] = field(default_factory=list)

    def token(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if "assertion" in form:
            payload = form["assertion"][0].split(".")[1]
            issuer = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iss"]
            return 200, {"access_token": f"of-{issuer}", "expires_in": 3600, "token_type": "Bearer"}
        refresh_token = form["refresh_token"][0]
        if refresh_token not in self.grants:
            return 400, {"error": "invalid_grant", "error_description": "Token has been revoked."}
        answer = {"access_token": refresh_token, "expires_in": 3600, "token_type": "Bearer"}
        if self.id_tokens:
            answer["id_token"] = unsigned(self.grants[refresh_token])
        return 200, answer

    def userinfo(self, authorization: str) -> tuple[int, dict[str, Any]]:
        if self.userinfo_status != 200:
            return self.userinfo_status, {"error": "insufficient_scope"}
        return 200, self.grants[authorization.removeprefix("Bearer ")]


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """Where google-auth is sent instead of to Google."""
    told = Google()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*told.token(parse_qs(body)))

        def do_GET(self) -> None:
            self._answer(*told.userinfo(self.headers["Authorization"]))

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            told.asked.append(self.path)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{told.url}/token")
        monkeypatch.setattr(identity, "USERINFO", f"{told.url}/userinfo")
        monkeypatch.setenv("NO_PROXY", "*")
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "naeda-genesis")
        yield told
        server.shutdown()


def logged_in(monkeypatch: pytest.MonkeyPatch, directory: Path, info: dict[str, Any]) -> None:
    file = directory / "credentials.json"
    file.write_text(json.dumps(info))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))


PERSON = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "minas"}
MINA = {"email": "mina@naeda.example", "email_verified": True}


@pytest.mark.parametrize("id_tokens", [True, False])
async def test_a_person_is_whom_google_names(
    google: Google, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, id_tokens: bool
) -> None:
    google.grants["minas"], google.id_tokens = MINA, id_tokens
    # The file may claim anything: whoever can write it is not thereby somebody else.
    logged_in(monkeypatch, tmp_path, {**PERSON, "account": "boss@naeda.example"})
    assert await google_account() == "mina@naeda.example"
    assert google.asked == (["/token"] if id_tokens else ["/token", "/userinfo"])


@pytest.mark.parametrize("claims", [{}, {"email": "mina@naeda.example", "email_verified": False}])
async def test_what_google_has_not_verified_is_nobody(
    google: Google, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, claims: dict[str, Any]
) -> None:
    google.grants["minas"] = claims
    logged_in(monkeypatch, tmp_path, {**PERSON, "account": "boss@naeda.example"})
    with pytest.raises(NotPossible, match=r"source\.no_account"):
        await google_account()


async def test_a_login_that_may_not_say_whose_it_is_is_nobody(
    google: Google, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    google.grants["minas"], google.id_tokens, google.userinfo_status = MINA, False, 403
    logged_in(monkeypatch, tmp_path, PERSON)
    with pytest.raises(NotPossible, match=r"source\.no_account"):
        await google_account()


async def test_a_revoked_login_is_refused(google: Google, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    logged_in(monkeypatch, tmp_path, PERSON)
    with pytest.raises(SourceUnavailable) as refused:
        await google_account()
    assert "revoked" in str(refused.value.reason.params["detail"])


async def test_a_service_account_is_itself(google: Google, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    account = "lumen@naeda-genesis.iam.gserviceaccount.com"
    info = {
        "type": "service_account",
        "client_email": account,
        "private_key_id": "1",
        "private_key": pem.decode(),
        "token_uri": f"{google.url}/token",
        "project_id": "naeda-genesis",
    }
    logged_in(monkeypatch, tmp_path, info)
    assert await google_account() == account
    assert google.asked == ["/token"]


async def test_without_credentials_the_remedy_is_said(
    google: Google, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(SourceUnavailable) as refused:
        await google_account()
    assert refused.value.remedy.code == "source.credentials_remedy"
