"""deploy/ and the Dockerfile: what they say is what the platforms and Lumen itself read."""

import ast
import json
import re
import shutil
import subprocess
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import DEVNULL
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from bot.config import Settings, WithoutSlack
from lumen.adapters.store.epoch import DURABLE

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SDK = Path("/usr/lib/google-cloud-sdk/lib")
CLOUD_RUN: dict[str, type[Settings]] = {
    "bot.worker-pool.yaml": Settings,
    "http.service.yaml": WithoutSlack,
    "work.service.yaml": WithoutSlack,
    "work.worker-pool.yaml": WithoutSlack,
}
COMMANDS = {"bot": "run", "http": "serve", "work": "work"}
#: Every name in the files, for a machine without gcloud.
NAMES = frozenset(
    (
        "apiVersion",
        "kind",
        "metadata",
        "name",
        "labels",
        "annotations",
        "spec",
        "template",
        "serviceAccountName",
        "containerConcurrency",
        "timeoutSeconds",
        "containers",
        "image",
        "args",
        "ports",
        "containerPort",
        "resources",
        "limits",
        "cpu",
        "memory",
        "startupProbe",
        "livenessProbe",
        "httpGet",
        "path",
        "port",
        "periodSeconds",
        "failureThreshold",
        "env",
        "value",
        "valueFrom",
        "secretKeyRef",
        "key",
        "app",
        "cloud.googleapis.com/location",
        "run.googleapis.com/scalingMode",
        "run.googleapis.com/manualInstanceCount",
        "run.googleapis.com/network-interfaces",
        "run.googleapis.com/vpc-access-egress",
        "run.googleapis.com/ingress",
        "autoscaling.knative.dev/minScale",
        "autoscaling.knative.dev/maxScale",
    )
)
#: Reads a file as `gcloud run … replace` does, with gcloud's own types: an unknown name or a wrong kind raises.
AS_GCLOUD = f"""
import json, sys
sys.path[:0] = [{str(SDK)!r}, {str(SDK / "third_party")!r}]
from googlecloudsdk.api_lib.util import apis, messages
found = json.load(sys.stdin)
types = apis.GetMessagesModule("run", "v1")
for one in found:
    messages.DictToMessageWithErrorCheck(one, getattr(types, one["kind"]))
"""


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def container(name: str) -> Any:
    (only,) = read(name)["spec"]["template"]["spec"]["containers"]
    return only


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_cloud_run_knows_every_name_in_the_files() -> None:
    assert {name for file in CLOUD_RUN for name in keys(read(file))} <= NAMES


def test_the_files_are_what_gcloud_would_send() -> None:
    python = shutil.which("python3", path="/usr/bin") or sys.executable
    if not SDK.is_dir():
        pytest.skip("gcloud is not installed here")
    wanted = json.dumps([read(file) for file in CLOUD_RUN])
    tried = subprocess.run([python, "-c", AS_GCLOUD], input=wanted, capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr[-800:]
    wrong = json.dumps([{**read("bot.worker-pool.yaml"), "spec": {"templates": {}}}])
    tried = subprocess.run([python, "-c", AS_GCLOUD], input=wrong, capture_output=True, text=True, check=False)
    assert "WorkerPool.spec.templates" in tried.stderr


@pytest.mark.parametrize("file", CLOUD_RUN)
def test_lumen_starts_with_the_settings_of_the_file(file: str) -> None:
    given = {}
    for one in container(file)["env"]:
        value = one.get("value", "").replace("PROJECT", "naeda-genesis").replace("NUMBER", "1234567890")
        secret = one.get("valueFrom", {}).get("secretKeyRef", {}).get("name", "")
        place = "10.0.0.3" if "cache" in secret else "10.0.0.4"
        kinds = {"slack-bot": "xoxb-1", "slack-app": "xapp-1", "redis-url": f"redis://:p@{place}:6379/0"}
        given[one["name"]] = value or next(value for kind, value in kinds.items() if kind in secret)
    assert set(given) <= {name.upper() for name in Settings.model_fields}
    made = CLOUD_RUN[file].model_validate({name.lower(): value for name, value in given.items()})
    assert made.takes_triggers or made.workers == "pull"
    assert container(file)["args"] == [COMMANDS[file.partition(".")[0]]]


def test_every_secret_comes_from_secret_manager_and_is_made_in_the_page() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text()
    secret = {name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    for file in CLOUD_RUN:
        for one in container(file)["env"]:
            assert ("valueFrom" in one) == (one["name"] in secret), one
            if "valueFrom" in one:
                assert f"gcloud secrets create {one['valueFrom']['secretKeyRef']['name']} " in page


def test_the_composed_store_keeps_what_it_acknowledges() -> None:
    composed = read("compose.yaml")["services"]
    words = composed["state"]["command"].split()
    options = dict(zip(words[1::2], words[2::2], strict=False))
    assert {f"--{name}": value for name, value in DURABLE}.items() <= options.items()
    assert composed["lumen"]["read_only"] and composed["lumen"]["cap_drop"] == ["ALL"]


def composes() -> list[str]:
    """The command of Compose that this machine has, none where it has none."""
    for command in (["docker", "compose"], ["docker-compose"]):
        asked = [*command, "version"]
        if shutil.which(command[0]) and subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return command
    return []


def test_the_composed_file_is_one_that_compose_takes(tmp_path: Path) -> None:
    compose = composes()
    if not compose:
        pytest.skip("Compose is not installed here")
    shutil.copy(DEPLOY / "compose.yaml", tmp_path)
    (tmp_path / ".env").write_text("STATE_PASSWORD=p\nPROJECT_ID=naeda-genesis\n")
    command = [*compose, "-f", str(tmp_path / "compose.yaml"), "config"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    taken = yaml.safe_load(tried.stdout)["services"]
    assert taken["lumen"]["environment"] == {"STATE_PASSWORD": "p", "PROJECT_ID": "naeda-genesis"}
    assert taken["state"]["environment"] == {"REDISCLI_AUTH": "p"}
    (tmp_path / ".env").write_text("PROJECT_ID=naeda-genesis\n")
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tried.returncode != 0 and "the password of the store" in tried.stderr


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    text = (DEPLOY / "lumen.service").read_text()
    named = re.findall(r"^Environment=([A-Z_]+)_FILE=%d/([a-z-]+)$", text, re.MULTILINE)
    assert [name.lower().replace("_", "-") for name, _ in named] == [file for _, file in named]
    assert re.findall(r"^LoadCredential=([a-z-]+):", text, re.MULTILINE) == [file for _, file in named]
    assert {name.lower() for name, _ in named} <= set(Settings.model_fields)
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed here")
    unit = tmp_path / "lumen.service"
    unit.write_text(text.replace("/opt/lumen/bin/lumen", "/bin/true"))
    tried = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (tried.returncode, tried.stderr) == (0, "")


DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_image_is_small_in_rights() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2 and len(set(bases)) == 1
    assert ":" in bases[0] and "@" not in bases[0]
    final = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER 10001$", final, re.MULTILINE)
    assert "PYTHONDONTWRITEBYTECODE=1" in final


@pytest.mark.parametrize("status", [200, 503])
async def test_the_images_health_check_tells_a_healthy_bot_from_a_sick_one(status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.add_routes([web.get("/healthz", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found = re.search(r"HEALTHCHECK .*\\\n\s+CMD (\[.+\])", DOCKERFILE)
    assert found is not None
    command = ast.literal_eval(found[1])
    environment = {"PORT": str(runner.addresses[0][1])}
    process = await create_subprocess_exec(sys.executable, *command[1:], env=environment, stderr=DEVNULL)
    assert (await process.wait() == 0) == (status == 200)
    await runner.cleanup()
