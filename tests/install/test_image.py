"""The image's own commands, carried out in a clean environment: what they make runs, and its check tells how it is."""

import ast
import asyncio
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from demo.locks import polls
from demo.ports import free_port, says_ok
from demo.processes import Child
from demo.world import Clock, World
from tests.service_time import origin_of_a_quiet_hour

pytestmark = pytest.mark.prove

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SCALE = 60.0
READY_SECONDS = 60.0
(CHECK_SECONDS,) = map(float, re.findall(r"^HEALTHCHECK .*--timeout=(\d+)s", DOCKERFILE, re.MULTILINE))


def words(instruction: str) -> list[str]:
    """What stands behind it as a list."""
    (found,) = re.findall(rf"^{instruction} (\[.+\])$", DOCKERFILE, re.MULTILINE)
    return [str(word) for word in ast.literal_eval(found)]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """As the Dockerfile makes it: the lock with its hashes, the three folders, no pip; nobody may write to it."""
    place = tmp_path_factory.mktemp("image") / "lumen"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    python = str(place / "bin" / "python")
    locked = ["--require-hashes", "--only-binary", ":all:", "-r", str(ROOT / "requirements" / "core.txt")]
    assert "pip install " + " ".join(locked[:-1]) in DOCKERFILE
    subprocess.run([python, "-m", "pip", "install", "-q", *locked], check=True, timeout=900)
    for folder in re.findall(r"^COPY (\w+) /opt/lumen/app/\w+$", DOCKERFILE, re.MULTILINE):
        shutil.copytree(ROOT / folder, place / "app" / folder, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([python, "-m", "compileall", "-q", place / "app"], check=True)
    subprocess.run([python, "-m", "pip", "uninstall", "--yes", "-q", "pip"], check=True)
    for each in (place, *place.rglob("*")):
        each.chmod(each.stat().st_mode & ~0o222)
    yield place
    for each in (place, *place.rglob("*")):
        each.chmod(each.stat().st_mode | 0o200)


def environment(image: Path) -> dict[str, str]:
    """What the Dockerfile's ENV says, with the places that they have here."""
    return {
        "PATH": f"{image / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": str(image / "app"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def test_the_images_commands_make_a_lumen_that_answers(image: Path) -> None:
    def told(*arguments: str) -> str:
        run = [str(image / "bin" / "python"), *arguments]
        here, given = image / "app", environment(image)
        return subprocess.run(run, cwd=here, env=given, capture_output=True, text=True, check=True).stdout.strip()

    for asked, said in ((["--version"], "lumen "), (["run", "--help"], "Usage"), (["serve", "--help"], "Usage")):
        assert told(*words("ENTRYPOINT")[1:], *asked).startswith(said)
    told("-c", "import bot.run, bot.serve, numpy, scipy, google.pubsub_v1, google.cloud.redis_v1")


@pytest.fixture
async def world(memory_directory: Path) -> AsyncIterator[World]:
    with (
        TemporaryDirectory(dir=memory_directory) as directory,
        World(Path(directory), Clock(SCALE, origin_of_a_quiet_hour(SCALE))) as running,
    ):
        running.initialise_state()
        yield running


async def test_the_health_check_asks_whether_a_bot_lives_not_whether_all_it_needs_does(
    image: Path, world: World
) -> None:
    """Ready or not it lives: to begin anew would mend no store. One that hangs or is gone is told in time."""
    port = free_port()
    given = {**world.bot_environment(port), **environment(image)}

    def check() -> int:
        of_the_check = words(r"\s+CMD")
        return subprocess.run(
            of_the_check, env=given, capture_output=True, timeout=CHECK_SECONDS, check=False
        ).returncode

    def until_ready(ready: bool) -> None:
        for _ in polls(READY_SECONDS):
            if says_ok(port, "/readyz") == ready and says_ok(port, "/healthz"):
                return
        raise AssertionError(bot.tail(40))

    bot = Child(world.children, "image")
    bot.start([str(image / "bin" / "python"), *words("ENTRYPOINT")[1:], *words("CMD")], given, image / "app")
    until_ready(True)
    assert check() == 0
    await asyncio.to_thread(world.state.kill)
    until_ready(False)
    assert check() == 0
    await asyncio.to_thread(world.state.start)
    until_ready(True)
    bot.signal(signal.SIGSTOP)
    assert check() != 0
    bot.signal(signal.SIGCONT)
    assert check() == 0
    assert bot.stop() == 0
    assert check() != 0
