"""Both servers over TLS, with a certificate of an authority that only the URL names, as Memorystore has one."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotConnected

from demo.valkey import EmbeddedValkey
from lumen.adapters.cache.client import open_cache
from lumen.adapters.store.connection import open_store
from tests.certificates import self_signed
from tests.unit.bot.test_settings import Start, start

__all__ = ["start"]

ADDRESS = "127.0.0.1"


def certificate(folder: Path) -> Path:
    """A key and its own certificate, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        self_signed(key, "store")
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "store.pem"
    file.write_bytes(private + made.public_bytes(pem))
    return file


@pytest.fixture
async def place(state_valkey: EmbeddedValkey, state_url: str, tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """A port that speaks TLS before the server, and the file with its authority."""
    assert state_url
    file = certificate(tmp_path)
    secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secure.load_cert_chain(file)
    path = state_valkey.socket_url.removeprefix("unix://").partition("?")[0]

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_unix_connection(path)
        await asyncio.gather(pipe(reader, behind_writer), pipe(behind_reader, writer))

    server = await asyncio.start_server(handle, ADDRESS, 0, ssl=secure)
    async with server:
        yield server.sockets[0].getsockname()[1], file


@pytest.mark.parametrize("open_client", [open_store, open_cache], ids=["store", "cache"])
async def test_a_server_with_an_authority_of_its_own_is_reached_by_what_its_url_names(
    open_client: Callable[[str], Redis], place: tuple[int, Path], start: Start
) -> None:
    port, authority = place
    url = f"rediss://{ADDRESS}:{port}/0?ssl_ca_certs={authority}"
    assert start(STATE_REDIS_URL=url).state_redis_url.get_secret_value() == url
    client = open_client(url)
    assert await client.ping()
    await client.aclose()
    stranger = open_client(f"rediss://{ADDRESS}:{port}/0")
    with pytest.raises(NotConnected, match="CERTIFICATE_VERIFY_FAILED"):
        await stranger.ping()
    await stranger.aclose()
