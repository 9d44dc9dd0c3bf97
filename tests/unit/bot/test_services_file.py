"""The services file: what holds for each service, and every problem with its file, line, column and what is allowed."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot.config import Settings, load_settings
from bot.doctor.settings import setting_checks
from bot.environment import ConfigurationError
from bot.marked_yaml import Place
from bot.openslo import OpenSlo
from bot.services_schema import KEYS, Said
from lumen.model.service import ServiceId, named, names_of
from lumen.wording.catalogue import Catalogue

DEPLOY = Path(__file__).parents[3] / "deploy"
SHARED = {
    "STATE_REDIS_URL": "redis://state:6379/0",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "ION_CACHE_URL": "redis://10.0.0.3:6379/0",
}
WHOLE = """\
defaults:
  project: naeda-genesis
  channel: C0IONALERT
  approvers: [U0MINA0001]
  cache: {redis_url: "redis://10.0.0.3:6379/0"}
  ttl: {max_seconds: 1800}
services:
  - name: ion-api
    labels: {team: ion}
  - name: ion-api-canary
  - name: ion-api
    project: shop-prod
    region: europe-west1
    cache: {redis_url: "redis://10.9.0.3", key_prefix: "shop:"}
    objectives: {p95_ms: 300, availability: 99.9%}
    channel: C0SHOPALERT
"""
Start = Callable[..., Settings]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Start:
    """Starts with this file, what is shared, and what is given."""
    monkeypatch.chdir(tmp_path)

    def started(text: str | bytes, **given: str) -> Settings:
        (tmp_path / "services.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        with monkeypatch.context() as patched:
            for name in [name for name in os.environ if name in {one.upper() for one in Settings.model_fields}]:
                patched.delenv(name)
            for name, value in {**SHARED, "SERVICES": "services.yaml", **given}.items():
                patched.setenv(name, value)
            return load_settings()

    return started


def refused(start: Start, text: str | bytes, **given: str) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        start(text, **given)
    return error.value.problems


def test_a_service_s_own_word_goes_before_defaults_and_those_before_the_environment(start: Start) -> None:
    found = start(WHOLE, TTL_STRATEGY="moderate", MAX_TTL_SECONDS="600", SLACK_CHANNEL="C0OTHERONE")
    ion, canary, shop = found.watched
    assert [one.key for one in found.services] == [
        "naeda-genesis/us-central1/ion-api",
        "naeda-genesis/us-central1/ion-api-canary",
        "shop-prod/europe-west1/ion-api",
    ]
    assert found.watched[ion] is found.watched[canary]
    assert (found.watched[shop].slo.p95_ms, found.watched[ion].slo.p95_ms) == (300, 200)
    assert {own.max_ttl_seconds for own in found.watched.values()} == {1800}
    assert {own.ttl_strategy for own in found.watched.values()} == {"moderate"}
    assert [own.slack_channel for own in found.watched.values()] == ["C0IONALERT", "C0IONALERT", "C0SHOPALERT"]
    assert (found.project_id, found.slack_channel, found.max_ttl_seconds) == ("naeda-genesis", "C0IONALERT", 1800)
    assert (found.labels[ion], found.labels[canary]) == ({"team": "ion"}, {})


def test_people_tell_services_of_one_name_apart() -> None:
    one, two = ServiceId("a", "r1", "x"), ServiceId("b", "r1", "x")
    three, four = ServiceId("b", "r2", "y"), ServiceId("b", "r3", "y")
    assert list(names_of([one, two, three, four]).values()) == ["a/x", "b/x", "b/r2/y", "b/r3/y"]
    assert names_of([one, three]) == {one: "x", three: "y"}
    assert [named([one, two, three], text) for text in ("x", "b/x", "b/r2/y", "z")] == [[one, two], [two], [three], []]


NOT_ENTRY = "services:\n  - name: a\n"
#: A file, where the problem stands, and what its sentence says.
WRONG: dict[str, tuple[str | bytes, str, str]] = {
    "empty": ("", "1:1", "The file is empty"),
    "only a comment": ("# later\n", "1:1", "The file is empty"),
    "syntax": ("services:\n  - name: [a\n", "3:1|2:", "This is not YAML"),
    "not UTF-8": (b"defaults:\n  project: caf\xe9\n", "2:15", "0xe9 is not UTF-8"),
    "control": ("a: \x07\n", "1:4", "This is not YAML"),
    "too large": ("#" * 1_000_001, "1:1", "larger than 1000000 bytes"),
    "deep": ("a: " + "[" * 100_000, "1:", "deeper than 20 levels"),
    "deep lists": ("- " * 100_000, "1:", "deeper than 20 levels"),
    "alias of nothing": ("services: *all\n", "1:11", "there is no &all before it"),
    "alias of itself": ("services: &all [*all]\n", "1:17", "Allowed: a mapping"),
    "two documents": (WHOLE + "---\na: 1\n", "18:1", "A second document"),
    "a list": ("- name: a\n", "1:1", "Allowed: a list of services"),
    "no services": ("defaults: {region: us-central1}\n", "1:1", "names no services"),
    "an empty list": ("services: []\n", "1:1", "names no services"),
    "unknown at the top": (WHOLE + "service: []\n", "17:1", "The nearest is services."),
    "unknown": (WHOLE + "    chanel: C0SHOPALERT\n", "17:5", "The nearest is channel."),
    "unknown in a group": (WHOLE + "    ttl: {min_second: 4}\n", "17:11", "The nearest is ttl.min_seconds."),
    "of the environment": (WHOLE + "    CACHE_KEY_PREFIX: a\n", "17:5", "The nearest is cache.key_prefix."),
    "in the wrong place": (WHOLE + "    key_prefix: a\n", "17:5", "The nearest is cache.key_prefix."),
    "merge": (WHOLE + "    <<: {channel: C0SHOPALERT}\n", "17:5", "has no key <<"),
    "twice": (WHOLE + "    channel: C0SHOPALERT\n", "17:5", "first in line 16"),
    "a service twice": (WHOLE + "  - {name: ion-api}\n", "17:5", "first in line 8"),
    "nameless": (WHOLE + "  - {region: us-central1}\n", "17:5", "services[3] has no name"),
    "no entry": (WHOLE + "  - ion-api\n", "17:5", "Allowed: a mapping"),
    "a number for a list": (WHOLE + "    labels: 1\n", "17:5", "Allowed: a mapping"),
    "nothing": (WHOLE + "    runbook_url:\n", "17:5", "is nothing (a # begins"),
    "a tag": (WHOLE + "    runbook_url: !!python/name:os.system x\n", "17:5", "a value with the tag"),
    "a list for a value": (WHOLE + "    oncall_group: [S0IONCALL1]\n", "17:5", "is a list. Allowed: a single value"),
    "a list of lists": (WHOLE + "    approvers: [[U0MINA0001]]\n", "17:5", "Allowed: a list of values"),
    "a key that is a list": (WHOLE + "    ? [a]\n    : b\n", "17:7", "a key that is no text but a list"),
    "out of range": (WHOLE + "    ttl: {min_seconds: 0}\n", "17:11", "ttl.min_seconds = '0' of ion-api cannot be used"),
    "against defaults": (WHOLE + "    ttl: {min_seconds: 2000}\n", "17:11", "≤ ttl.max_seconds"),
    "of a list": (WHOLE + "    approvers: [U0MINA0001, mina]\n", "17:5", "because of 'mina'"),
    "in defaults": (WHOLE.replace("C0IONALERT", "ion-alerts"), "3:3", "channel = 'ion-alerts' of defaults"),
    "missing": (WHOLE.replace("  channel: C0IONALERT\n", ""), "7:5", "ion-api has no channel"),
    "a long label": (WHOLE + f"    labels: {{team: {'x' * 64}}}\n", "17:14", "1 to 63 characters"),
    "two URLs": (WHOLE.replace('key_prefix: "shop:"', "redis_url_env: ION_CACHE_URL"), "14:44", "Allowed: one of"),
    "no variable": (WHOLE.replace('redis_url: "redis://10.9.0.3"', "redis_url_env: NONE"), "14:13", "there is no NONE"),
    "no file": (WHOLE.replace('redis_url: "redis://10.9.0.3"', "redis_url_file: x"), "14:13", "cannot be read"),
    "the store": (WHOLE.replace("redis://10.9.0.3", "redis://state"), "14:13", "another server than STATE_REDIS_URL"),
    "one server": (WHOLE.replace("10.9.0.3", "10.0.0.3/3") + "    budget_usd: 1\n", "", ""),
    "one server, one name": (WHOLE.replace("10.9.0.3", "10.0.0.3"), "14:13", "in common with ion-api (line 8)"),
    "one server, two sizes": (
        WHOLE.replace('"redis://10.9.0.3"', '"redis://10.0.0.3/3", size_mb: 99'),
        "14:",
        "on the same cache server 256",
    ),
    "one prefix, two TTLs": (
        WHOLE.replace("- name: ion-api-canary\n", "- name: ion-api-canary\n    ttl: {max_seconds: 900}\n"),
        "11:11",
        "with the same keys of the same cache 1800",
    ),
    "one instance, two servers": (
        WHOLE.replace("  ttl: {max", "  cache_: {}\n  ttl: {max").replace(
            '6379/0"}\n  cache_: {}', '6379/0", instance: projects/p/locations/l/instances/i}'
        ),
        "11:5",
        "with another server than ion-api (line 8)",
    ),
    "no objectives": (WHOLE + "    openslo: none.yaml\n", "17:5", "openslo = none.yaml cannot be read"),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_what_cannot_be_used_is_told_with_its_place_and_what_is_allowed(start: Start, case: str) -> None:
    text, place, says = WRONG[case]
    if not says:
        start(text)
        return
    problems = refused(start, text)
    told = [one for one in problems if says in one]
    assert told, problems
    assert any(told[0].startswith(f"services.yaml:{one}") for one in place.split("|")), told[0]


@pytest.mark.parametrize(
    ("path", "says"),
    [(".", "IsADirectoryError"), ("none.yaml", "FileNotFoundError")],
)
def test_a_file_that_cannot_be_read_is_said_of_the_setting(start: Start, path: str, says: str) -> None:
    (told,) = refused(start, WHOLE, SERVICES=path)
    assert told.startswith(f"SERVICES = '{path}' cannot be used") and says in told


def test_all_are_told_at_once_in_the_order_of_the_file_and_in_the_reader_s_language(start: Start) -> None:
    wrong = WHOLE.replace("C0IONALERT", "ion-alerts").replace("300", "fast") + "foo: 1\n"
    english, korean = refused(start, wrong, SERVICE_NAME="x"), refused(start, wrong, LUMEN_LOCALE="ko")
    assert [one.split(" ")[0] for one in english] == [
        "SERVICES",
        *(f"services.yaml:{at}:" for at in ("3:3", "15:18", "17:1")),
    ]
    assert "쓸 수 없는 값입니다" in korean[0]
    many = WHOLE + "".join(f"  - {{name: '{number}'}}\n" for number in range(200))
    assert len(refused(start, many)) == 51 and "150 more problems" in refused(start, many)[-1]


def test_no_secret_is_told_and_none_stands_where_others_may_read_it(start: Start, tmp_path: Path) -> None:
    secret = WHOLE.replace("redis://10.9.0.3", "redis://:s3cret@10.9.0.3")
    (tmp_path / "services.yaml").touch(0o644)
    told = refused(start, secret)
    assert "others may read the file" in told[0] and "s3cret" not in told[0]
    for misplaced in ("    cache_redis_url: redis://:s3cret@h\n", "    runbook_url: redis://:s3cret@h\n"):
        assert "s3cret" not in " ".join(refused(start, WHOLE + misplaced))
    (tmp_path / "services.yaml").chmod(0o600)
    assert start(secret).watched
    (tmp_path / "url").write_text("redis://:s3cret@10.9.0.3\n")
    (tmp_path / "url").chmod(0o400)
    found = start(WHOLE.replace('redis_url: "redis://10.9.0.3"', "redis_url_file: url"))
    assert found.watched[found.services[2]].cache_url == "redis://:s3cret@10.9.0.3"


def test_what_is_for_all_is_held_against_each_service(start: Start) -> None:
    told = refused(
        start, WHOLE.replace("  approvers: [U0MINA0001]\n", ""), AUTO_APPLY="ttl", ONCALL_ESCALATION="S0IONLEAD1"
    )
    assert sum("has no approvers" in one for one in told) == sum("has no oncall_group" in one for one in told) == 3
    assert start(WHOLE, PREDICT="shop-prod/ion-api").observed_services == (
        ServiceId("shop-prod", "europe-west1", "ion-api"),
    )


def test_the_examples_are_taken_as_they_stand(start: Start, tmp_path: Path) -> None:
    (tmp_path / "slo.yaml").write_text((DEPLOY / "slo.yaml").read_text())
    found = start((DEPLOY / "services.yaml").read_text())
    assert [one.name for one in found.services] == ["ion-api", "ion-api-canary", "checkout"]
    slo = found.watched[found.services[0]].slo
    assert (slo.availability, slo.error_rate, slo.p95_ms, slo.p99_ms, slo.hit_rate) == pytest.approx(
        (0.995, 0.002, 250, 600, 0.8)
    )
    assert not found.notes
    page = (DEPLOY.parent / "docs" / "services-file.md").read_text()
    rows = re.findall(r"^\| (`.+?) \| ", page, re.MULTILINE)
    assert {key for row in rows for key in re.findall(r"`([a-z0-9_.]+)`", row)} == {*KEYS, "labels"}


def test_doctor_says_for_which_service_it_is(start: Start) -> None:
    priced = WHOLE + "    prices: {api_cost_per_call: 0.02}\n"
    ok = {check.name: check.ok for check in setting_checks(start(priced)) if "API_COST_PER_CALL" in check.name}
    assert ok == {
        "setting: API_COST_PER_CALL (naeda-genesis/ion-api, ion-api-canary)": False,
        "setting: API_COST_PER_CALL (shop-prod/ion-api)": True,
    }
    alike = [check.name for check in setting_checks(start(WHOLE))]
    assert "setting: API_COST_PER_CALL" in alike


#: What an OpenSLO file says, and what of it is not taken.
LEFT = [
    ("value: 250, target: 0.95", "value: 250, target: 0.9", "a target of 90% for latency"),
    ("op: lt, value: 250", "op: gt, value: 250", "without op: lt"),
    ("target: 0.998", "target: 0.998, targetPercent: 99", "without one target"),
    ("timeSliceWindow: 5m", "timeSliceWindow: 1m", "time slices other than"),
    ("rawType: success", "rawType: failure", "not rawType: success"),
    ("stats/cache_hit_ratio", "stats/memory/usage_ratio", "the metric redis.googleapis.com/stats/memory/usage_ratio"),
    (
        "run.googleapis.com/request_latencies}",
        "run.googleapis.com/request_latencies, path: /pay}",
        "path in metricSource.spec",
    ),
    (
        "budgetingMethod: Occurrences\n  objectives: [{target: 0.8}]",
        "budgetingMethod: RatioTimeslices\n  objectives: [{target: 0.8}]",
        "budgetingMethod RatioTimeslices",
    ),
    (
        "timeWindow: [{duration: 30d, isRolling: true}]\n  budgetingMethod: Timeslices",
        "timeWindow: [{duration: 28d, isRolling: true}]\n  budgetingMethod: Timeslices",
        "the window of 28d",
    ),
    (
        "indicatorRef: failed-requests\n  timeWindow: [{duration: 30d, isRolling: true}]\n  budgetingMethod: Time",
        "indicatorRef: other\n  budgetingMethod: Time",
        "without an indicator",
    ),
    (
        "  objectives: [{target: 0.8}]",
        "  objectives: [{target: 0.8}]\n  alertPolicies: [{alertPolicyRef: x}]",
        "its alert policies",
    ),
    (
        "  objectives: [{target: 0.8}]",
        "  objectives: [{target: 0.8}]\n---\napiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: x}",
        "DataSource",
    ),
]


@pytest.mark.parametrize(("old", "new", "says"), LEFT)
def test_what_lumen_does_not_measure_is_named_and_the_rest_taken(tmp_path: Path, old: str, new: str, says: str) -> None:
    whole = (DEPLOY / "slo.yaml").read_text()
    assert old in whole
    (tmp_path / "slo.yaml").write_text(whole.replace(old, new))
    slo = OpenSlo(tmp_path)
    taken = slo.of("ion-api", Said(Place("s", 1, 1), "slo.yaml", "openslo"), "default")
    assert slo.notes and all(place.file.endswith("slo.yaml") for place, _ in slo.notes)
    assert not taken.wrong and all(says in Catalogue("en").plain(note) for _, note in slo.notes)
    assert 3 <= len(taken.objectives) <= 5


def test_an_openslo_file_of_another_kind_is_refused(start: Start, tmp_path: Path) -> None:
    for text, says in (
        ("apiVersion: openslo/v1alpha\nkind: SLO\n", "Allowed: openslo/v1."),
        ("a: [\n", "This is not YAML"),
        (
            (DEPLOY / "slo.yaml").read_text().replace("service: ion-api", "service: other"),
            "no SLO whose spec.service is ion-api",
        ),
    ):
        (tmp_path / "slo.yaml").write_text(text)
        assert says in " ".join(refused(start, WHOLE + "    openslo: slo.yaml\n"))
    (tmp_path / "slo.yaml").write_text((DEPLOY / "slo.yaml").read_text())
    assert "and its OpenSLO file in slo.yaml:" in " ".join(refused(start, WHOLE + "    openslo: slo.yaml\n"))


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a file with each of its keys or numbers."""
    inner = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(value, key) for key, _ in inner] + [place for _, one in inner for place in places(one)]


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**7),
    st.floats(),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
    st.just([{"a": "b"}]),
)


@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_mutation_is_taken_or_told_with_a_line_that_is_there(start: Start, data: st.DataObject) -> None:
    whole = yaml.safe_load((DEPLOY / "services.yaml").read_text())
    del whole["services"][0]["openslo"]
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(whole)))
        what = data.draw(st.sampled_from(("drop", "rename", "retype")))
        if what == "retype":
            container[key] = data.draw(JUNK)
        else:
            value = container.pop(key)
            if what == "rename" and isinstance(container, dict):
                container[data.draw(st.text("abcde_", min_size=1, max_size=12))] = value
        if not places(whole):
            break
    text = yaml.dump(whole, Dumper=yaml.CSafeDumper, sort_keys=False)
    try:
        start(text)
    except ConfigurationError as error:
        lines = text.splitlines()
        for told in error.problems:
            found = re.match(r"services\.yaml:(\d+):(\d+): ", told)
            assert found, told
            line = lines[int(found[1]) - 1]
            assert 1 <= int(found[2]) <= max(1, len(line)), told
            key = re.match(r"([\w.]+) (?:= |of )", told[found.end() :])
            if key and not key[1].startswith("services"):
                assert re.split(r"[.]", key[1])[-1] in line, (told, line)
