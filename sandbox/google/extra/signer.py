"""ID tokens as Google signs them, with a key of the sandbox's own; whoever checks them asks for its certificate."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any

from sandbox.clock import Clock

KEY_ID = "sandbox-1"
#: On the wall.
GOOD_SECONDS = 3600
RENEW_SECONDS = 1800


class Signer:
    """Nothing is made before the first token or certificate is asked for."""

    def __init__(self) -> None:
        self._signed: dict[tuple[str, str], tuple[float, str]] = {}

    @cached_property
    def _key(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric import rsa

        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def certificates(self) -> Mapping[str, str]:
        """PEM by key id, as https://www.googleapis.com/oauth2/v1/certs has them."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization

        named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "federated-signon.sandbox")])
        now = Clock().now()
        made = (
            x509.CertificateBuilder()
            .subject_name(named)
            .issuer_name(named)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=7))
            .sign(self._key, hashes.SHA256())
        )
        return {KEY_ID: made.public_bytes(serialization.Encoding.PEM).decode()}

    def token(self, account: str, audience: str) -> str:
        """The same for many messages, as Pub/Sub has it."""
        from cryptography.hazmat.primitives import serialization
        from google.auth import crypt, jwt

        made_at, token = self._signed.get((account, audience), (0.0, ""))
        now = Clock().seconds()
        if now - made_at > RENEW_SECONDS:
            plain = serialization.NoEncryption()
            pem = self._key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain
            )
            signer: Any = crypt.RSASigner.from_string(pem.decode(), KEY_ID)  # type: ignore[no-untyped-call]
            claims = {
                "iss": "https://accounts.google.com",
                "aud": audience,
                "email": account,
                "email_verified": True,
                "sub": "112233445566778899",
                "iat": int(now),
                "exp": int(now) + GOOD_SECONDS,
            }
            token = jwt.encode(signer, claims).decode()  # type: ignore[no-untyped-call]
            self._signed[account, audience] = (now, token)
        return token
