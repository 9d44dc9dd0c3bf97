"""`lumen contract check` as a service's author calls it."""

import threading
from collections.abc import Iterator

import pytest
import redis

from lumen.model.contract_check import Acknowledged, Lifetime, Observed, TestSetting
from lumen.policies.contract import Part, judge
from sandbox.ion.ion_cache import Cache
from tests.contract.command_line.conftest import Call


@pytest.fixture
def service(cache_url: str) -> Iterator[None]:
    """ION's client in a service that looks at its setting often, and is asked for answers that it does not have yet."""
    over = threading.Event()

    def live() -> None:
        with redis.Redis.from_url(cache_url) as connection:
            cache = Cache(connection, "ion-api", b"secret", b"answers:")
            cache.read_seconds = cache.send_seconds = 0.05
            asked = 0
            while not over.wait(0.005):
                asked += 1
                if cache.get(b"%d" % asked) is None:
                    cache.set(b"%d" % asked, b"answer")

    thread = threading.Thread(target=live)
    thread.start()
    yield
    over.set()
    thread.join()


def test_a_sound_service_is_good_news_without_any_settings(lumen: Call, service: None, cache_url: str) -> None:
    said = lumen("contract", "check", "--cache", cache_url, "--service", "ion-api", "--prefix", "answers:", "--json")
    assert said.code == 0, said.out
    assert (said.json()["service"], said.json()["version"]) == ("ion-api", 2)
    assert [(each["part"], each["ok"]) for each in said.json()["findings"]] == [(part.value, True) for part in Part]


def test_a_cache_that_is_away_is_no_data_and_a_wrong_call_is_told(lumen: Call) -> None:
    assert lumen("contract", "check", "--cache", "redis://127.0.0.1:1", "--service", "ion-api").code == 3
    assert lumen("contract", "check", "--cache", "nowhere", "--service", "ion-api").code == 64
    assert lumen("contract", "check", "--cache", "redis://127.0.0.1:1").code == 64


@pytest.mark.parametrize(
    ("own", "shared", "code"),
    [(None, None, 2), (Acknowledged("360", "1", "1"), None, 2), (None, Acknowledged("360", "1", ""), 1)],
)
def test_the_exit_code_is_that_of_the_table(own: Acknowledged | None, shared: Acknowledged | None, code: int) -> None:
    from bot.cli.contract import exit_code

    keys = [Lifetime(359.0, 360.0)] * 24
    seen = Observed(TestSetting(360, 300, 1, 500), 1.0, own, shared, keys, [])
    assert exit_code(judge(seen)) == code
