"""A server of certificates as Google has one, with keys of its own, and the tokens that it signs."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from google.auth import crypt, jwt

AUDIENCE = "https://lumen.example.com"
CALLER = "lumen-caller@naeda-genesis.iam.gserviceaccount.com"


@dataclass(frozen=True)
class Key:
    """A private key and its certificate, both PEM."""

    private: str
    certificate: str

    def signer(self, kid: str) -> Any:
        return _signer(self.private, kid)


@cache
def _signer(private: str, kid: str) -> Any:
    return crypt.RSASigner.from_string(private, kid)  # type: ignore[no-untyped-call]


def self_signed(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, name: str) -> x509.CertificateBuilder:
    """To be signed with the same key; good for two days."""
    named, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


def new_key() -> Key:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = self_signed(private, "federated-signon.system.gserviceaccount.com").sign(private, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = private.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return Key(plain.decode(), certificate.public_bytes(pem).decode())


@dataclass
class Certificates:
    """`served`: by key id; `asked`: how often; `status`: what is answered."""

    served: dict[str, Key] = field(default_factory=lambda: {"key-1": new_key()})
    cache_control: str = "public, max-age=19800, must-revalidate"
    asked: int = 0
    status: int = 200
    url: str = ""

    async def __aenter__(self) -> "Certificates":
        app = web.Application()
        app.add_routes([web.get("/certs", self._answer)])
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/certs"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        keys = {name: key.certificate for name, key in self.served.items()}
        return web.json_response(keys, status=self.status, headers={"Cache-Control": self.cache_control})

    def token(self, *, key: Key | None = None, kid: str = "key-1", **claims: Any) -> str:
        """A token as Google's services send it; a claim that is None is left out."""
        now = int(time.time())
        wanted = {
            "iss": "https://accounts.google.com",
            "aud": AUDIENCE,
            "email": CALLER,
            "email_verified": True,
            "sub": "1234567890",
            "iat": now,
            "exp": now + 3600,
            **claims,
        }
        told = {name: value for name, value in wanted.items() if value is not None}
        return jwt.encode((key or self.served[kid]).signer(kid), told).decode()  # type: ignore[no-untyped-call,no-any-return]
