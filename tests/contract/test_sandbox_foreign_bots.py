"""Bots that know nothing of this repository, as processes: docs/sandbox.md word by word, in Python and in JavaScript.

Bolt for JavaScript is fetched by `make javascript`, or stands in the folder that BOLT_JS names (above its
node_modules); without it, or without node, its tests say so and are skipped. Nothing is fetched here.
"""

import asyncio
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.client import SandboxClient

ROOT = Path(__file__).parents[2]
JAVASCRIPT = Path(os.environ.get("BOLT_JS", ROOT / "tests" / "javascript"))
DOCUMENT = (ROOT / "docs" / "sandbox.md").read_text()

needs_bolt_js = pytest.mark.skipif(
    shutil.which("node") is None or not (JAVASCRIPT / "node_modules" / "@slack" / "bolt").is_dir(),
    reason="Bolt for JavaScript is not here: it needs node and `make javascript`, or BOLT_JS=folder",
)


def example(language: str) -> str:
    """The first block of that language in the document."""
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found, f"docs/sandbox.md shows no {language}"
    return found[1]


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, str]]:
    """The workspace and the cloud, without a service."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--no-ion"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


@pytest.fixture
async def sandbox(ready: dict[str, str]) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(ready["control"]) as client:
        await client.reset_slack()
        yield client


@asynccontextmanager
async def running(sandbox: SandboxClient, ready: dict[str, str], *command: str, **more: str) -> AsyncIterator[None]:
    """A bot with nothing but what the welcome of `make sandbox` tells."""
    environment = {
        "PATH": os.environ["PATH"],
        "SLACK_BOT_TOKEN": ready["bot_token"],
        "SLACK_APP_TOKEN": ready["app_token"],
        "SLACK_API_URL": ready["slack_api_url"],
        **more,
    }
    bot = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.DEVNULL)
    try:
        await sandbox.wait_for_connections(1, within_seconds=20)
        yield
    finally:
        if bot.returncode is None:
            bot.kill()
        await bot.wait()
        while await sandbox.connections():  # noqa: ASYNC110 - another process is watched
            await asyncio.sleep(0.02)


async def echoes(sandbox: SandboxClient, words: str) -> None:
    outcome = await sandbox.command(f"/lumen {words}")
    assert outcome.acked
    answer = await sandbox.wait_for_message(lambda m: m.text == f"you said {words}")
    assert answer.ephemeral_to is not None


async def comes_back(sandbox: SandboxClient, fate: str) -> None:
    """Whatever happens to its connection, the bot opens another one and answers on it."""
    former = {c["id"] for c in await sandbox.connections()}
    await sandbox.sockets(fate)
    async with asyncio.timeout(20):
        while not (now := {c["id"] for c in await sandbox.connections()}) or now & former:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await echoes(sandbox, f"after {fate}")


async def test_the_documents_bot_in_python(sandbox: SandboxClient, ready: dict[str, str]) -> None:
    async with running(sandbox, ready, sys.executable, "-c", example("python")):
        await echoes(sandbox, "hello")
        await comes_back(sandbox, "refresh_requested")


ASYNC_BOT = """
import asyncio, os
from slack_bolt.adapter.socket_mode.{module} import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

app = AsyncApp(client=AsyncWebClient(os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"]))

@app.command("/lumen")
async def echo(ack, respond, command):
    await ack()
    await respond(f"you said {{command['text']}}")

async def main():
    await AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).start_async()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("bot", "package"),
    [
        (ASYNC_BOT.format(module="aiohttp"), "aiohttp"),
        pytest.param(ASYNC_BOT.format(module="websockets"), "websockets", marks=pytest.mark.prove),
        pytest.param(
            example("python").replace("adapter.socket_mode import", "adapter.socket_mode.websocket_client import"),
            "websocket",
            marks=pytest.mark.prove,
        ),
    ],
    ids=["aiohttp", "websockets", "websocket_client"],
)  # fmt: skip
async def test_every_client_of_the_sdk(sandbox: SandboxClient, ready: dict[str, str], bot: str, package: str) -> None:
    """The document's bot has the one that comes with the SDK; these need a package each."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"the SDK's client on {package} needs that package")
    async with running(sandbox, ready, sys.executable, "-c", bot):
        await echoes(sandbox, "hello")
        await comes_back(sandbox, "refresh_requested")


@needs_bolt_js
async def test_the_documents_bot_in_javascript(sandbox: SandboxClient, ready: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "echo.js"
    script.write_text(example("javascript"))
    async with running(sandbox, ready, "node", str(script), NODE_PATH=str(JAVASCRIPT / "node_modules")):
        await echoes(sandbox, "hello")
        await comes_back(sandbox, "refresh_requested")
        methods = [call["method"] for call in await sandbox.calls()]
        assert {"auth.test", "apps.connections.open", "(response_url)"} <= set(methods)
