"""A setting that cannot be used stops the start with one sentence: its name, its value, what is allowed, an example."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bot.config import Settings, load_settings
from bot.environment import ConfigurationError, names_of
from bot.shapes import LEAST_LETTERS, nearest, slips

WHOLE = {
    "PROJECT_ID": "naeda-genesis",
    "SERVICE_NAME": "ion-api",
    "CACHE_REDIS_URL": "redis://cache:6379/0",
    "STATE_REDIS_URL": "redis://state:6379/0",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "SLACK_CHANNEL": "C0IONALERT",
    "APPROVERS": "U0MINA0001",
}
SANDBOX = {"SLACK_API_URL": "http://127.0.0.1:1/api/", "LUMEN_GCP_ENDPOINT": "127.0.0.1:1"}
CLOCK = {**SANDBOX, "LUMEN_CLOCK_ORIGIN": "2026-01-01T00:00:00Z"}
#: Every setting: values that can be used, and values that cannot (beside what `BESIDE` sets).
TABLE: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "PROJECT_ID": (["naeda-genesis"], ["Naeda Genesis", "123456789012", "naeda"]),
    "REGION": (
        ["us-central1", "europe-west12", "northamerica-northeast1"],
        ["US", "us-central1-a", "us", "us-central"],
    ),
    "SERVICE_NAME": (["ion-api", "ion-api, ion-api-canary"], ["ION API", "ion_api", "ion-api,ion-api", "-ion", ","]),
    "SERVICES": (["services.yaml", "./services.yaml"], [".", "none.yaml"]),
    "CACHE_REDIS_URL": (
        ["rediss://u:p@h:6380/1", "unix:///tmp/s"],
        ["cache:6379", "http://h", "redis://", "redis://h/a"],
    ),
    "REDIS_HOST": (["10.0.0.3", "redis.internal"], ["redis://10.0.0.3", "10.0.0.3/0"]),
    "REDIS_PORT": (["1", "65535"], ["0", "65536", "tcp://10.0.0.11:6379"]),
    "REDIS_DB": (["0", "15"], ["-1", "zero"]),
    "CACHE_INSTANCE": (["projects/p/locations/l/instances/i"], ["ion-cache", "projects/p/instances/i"]),
    "CACHE_KEY_PREFIX": (["ion:cache:", "a"], ["ion:", "ion cache:", "ion:*"]),
    "DEFAULT_TTL_SECONDS": (["60", "3600"], ["59", "3601", "5m", "0"]),
    "MIN_TTL_SECONDS": (["1", "300"], ["0", "301", "4000"]),
    "MAX_TTL_SECONDS": (["300"], ["0", "299", "1h"]),
    "TTL_STRATEGY": (["auto", "conservative"], ["AUTO", "fast"]),
    "TTL_ACTUATOR": (["redis", "both"], ["redis,cloud_run", "cloudrun"]),
    "MAX_CACHE_SIZE_MB": (["256", "5000"], ["9", "1GB"]),
    "MAX_MIN_INSTANCES": (["0", "1000"], ["-1", "1001"]),
    "CACHE_SIZE_MB": (["10", "1024", "12.5"], ["1025", "9", "nan", "256MB"]),
    "CACHE_COST_PER_MB": (["0.14"], ["0", "-1", "$0.04", "inf"]),
    "API_COST_PER_CALL": (["0.00003"], ["0", "free"]),
    "STALENESS_COST_PER_1000": (["0", "0.5"], ["-1", "inf", "much"]),
    "BUDGET_USD": (["200", "0.5"], ["0", "200 USD"]),
    "BUDGET_TOPIC": (["budget-alerts", "projects/p-1/topics/t-1"], ["topics/x", "1x", "a b"]),
    "BILLING_ACCOUNT": (
        ["012345-6789AB-CDEF01", "billingAccounts/012345-6789AB-CDEF01"],
        ["My account", "012345-6789ab"],
    ),
    "LUMEN_ACCOUNT": (["lumen-bot@naeda-genesis.iam.gserviceaccount.com"], ["lumen-bot", "a b@c.de"]),
    "ALERT_EMAIL": (["ion-oncall@example.com"], ["#ion-alerts", "mina", "a@b.co,c@d.co"]),
    "PUBLIC_URL": (
        ["https://lumen-1.us-central1.run.app", "https://x.example.com/lumen/", "http://127.0.0.1:8080"],
        ["lumen.example.com", "http://lumen.example.com", "https://x.example.com/?a=1", "https://u:p@x.example.com"],
    ),
    "OIDC_AUDIENCE": (["https://lumen.example.com", "lumen"], ["a b"]),
    "OIDC_SERVICE_ACCOUNT": (["lumen-caller@naeda-genesis.iam.gserviceaccount.com"], ["lumen-caller", "a b@c.de"]),
    "WORKERS": (["pull"], ["both", "PUSH"]),
    "UPTIME_URL": (["https://ion-api.example.com/healthz"], ["ion-api.example.com", "ftp://x.example.com"]),
    "OTEL_EXPORTER_OTLP_ENDPOINT": (
        ["https://telemetry.googleapis.com", "https://telemetry.googleapis.com:443/", "http://127.0.0.1:4317"],
        ["http://collector:4317", "collector:4317", "https://u:p@x.example.com"],
    ),
    "METRICS_PORT": (["0", "9090"], ["-1", "65536", ":9090"]),
    "LUMEN_CERTS_URL": (
        ["http://127.0.0.1:8086/certs"],
        ["https://certs.example.com", "http://certs.example.com", "certs"],
    ),
    "STATE_REDIS_URL": (
        ["rediss://state:6379", "redis+cluster://state-1:6379,state-2:6379", "rediss+cluster://:pw@state"],
        ["state", "redis://cache:6379/0", "redis://state:port", "redis+cluster://state/1", "redis+cluster://a,,b"],
    ),
    "SLACK_BOT_TOKEN": (["xoxb-1-a"], ["xapp-1", "xoxp-1", "xoxb-", "token"]),
    "SLACK_APP_TOKEN": (["xapp-1-A-b"], ["xoxb-1", "xapp-"]),
    "SLACK_CHANNEL": (["C0IONALERT", "G01234567"], ["#ion-alerts", "ion-alerts", "D0MINA0001", "C1"]),
    "APPROVERS": (["U0MINA0001,S0IONCALL1", "W01234567, mina@example.com"], ["@mina", "U0MINA0001,mina", "u0mina0001"]),
    "APPROVALS_NEEDED": (["1", "10"], ["0", "11"]),
    "EMERGENCY_APPROVALS_NEEDED": (["2"], ["0", "two"]),
    "ONCALL_GROUP": (["S0IONCALL1", "U0MINA0001"], ["@oncall", "C0IONALERT"]),
    "ONCALL_REPEAT": (["0", "1m", "1d"], ["30s", "2d", "10"]),
    "ONCALL_ESCALATION": (["S0IONLEAD1", "pager"], ["@leads", "U0MINA0001", "PAGER"]),
    "PAGER_WEBHOOK_URL": (
        ["https://KEY@events.pagerduty.com/v2/enqueue", "http://am:9093/api/v2/alerts"],
        ["https://events.pagerduty.com/v2/enqueue", "https://x/y", "ftp://K@x/v2/enqueue", "http://K@x/v2/enqueue"],
    ),
    "SUPPORT_CONTACT": (["#ion-help"], ["x" * 201]),
    "RUNBOOK_URL": (["https://wiki.example.com/lumen#pages"], ["wiki", "https://x/a b", "https://x/|y>", "ftp://x/"]),
    "LUMEN_LOCALE": (["en", "ko"], ["de", "en_US"]),
    "MONITORING_LOOKBACK_HOURS": (["1", "24"], ["0", "25", "1h"]),
    "DIGEST_TIMEZONE": (["Asia/Seoul", "UTC"], ["Seoul", "KST+9", "../UTC"]),
    "OBSERVE_ONLY": (["0", "7d"], ["7", "1 week"]),
    "AUDIT_KEEP": (["90d"], ["90", "-1d", "99999999d"]),
    "PUBLISH_METRICS": (["true", "false"], ["maybe"]),
    "OUTPUT_DIR": (["outputs", "/tmp/a b"], ["a\nb"]),
    "REPORT_FORMAT": (["json"], ["html"]),
    "DRY_RUN": (["true"], ["perhaps"]),
    "DISABLE_AUTO_OPTIMIZATION": (["false"], ["2"]),
    "UNDO_HARMFUL": (["ask", "auto"], ["never"]),
    "PREDICT": (["all", "none", "ion-api"], ["other-service", "all,none"]),
    "AUTO_APPLY": (["ttl,size"], ["ttl,memory", "all"]),
    "AUTO_APPLY_AFTER": (["5m", "12h"], ["4m", "1d", "soon"]),
    "FREEZE": (
        ["Fri 16:00/Mon 08:00, 2026-12-20T00:00Z/2027-01-02T00:00Z"],
        ["weekend", "2026-12-20/2027-01-02", "Fri 16:00/Mon 08:00,Fry 1/2", "2027-01-02T00:00Z/2026-12-20T00:00Z"],
    ),
    "ROLLBACK_TIMEOUT_SECONDS": (["60", "86400"], ["59", "5m"]),
    "OVERRIDE_TTL": (["60", "3600"], ["59", "3601", "10m"]),
    "LOCK_CACHE_SIZE": (["true"], ["locked"]),
    "SLO_PRESET": (["guide"], ["strict"]),
    "SLO_AVAILABILITY": (["99.9%", "0.999"], ["1", "100%", "high"]),
    "SLO_ERROR_RATE": (["0.1%", "0.001"], ["0", "10%", "1"]),
    "SLO_P95_MS": (["200"], ["0", "200ms"]),
    "SLO_P99_MS": (["500"], ["-1", "inf"]),
    "SLO_HIT_RATE": (["80%"], ["1", "30%"]),
    "ALERT_AVAILABILITY": (["98%"], ["99.9%", "1"]),
    "ALERT_ERROR_RATE": (["2%"], ["0.05%", "6%"]),
    "ALERT_P99_MS": (["2000"], ["400", "0"]),
    "ALERT_HIT_RATE": (["60%"], ["90%", "many"]),
    "LOG_LEVEL": (["DEBUG"], ["info", "TRACE"]),
    "HTTP_HOST": (["0.0.0.0", "::"], ["http://0.0.0.0", "0.0.0.0/0"]),
    "PORT": (["0", "8080"], ["-1", "65536", ":8080"]),
    "SLACK_API_URL": (
        ["https://slack.example.com/api", "http://localhost:1/api/"],
        ["http://slack.com/api/", "slack.com"],
    ),
    "LUMEN_GCP_ENDPOINT": (["127.0.0.1:8085", "[::1]:1"], ["run.googleapis.com:443", "127.0.0.1"]),
    "LUMEN_CLOCK_SCALE": (["60", "1.0"], ["0", "3601", "fast"]),
    "LUMEN_CLOCK_ORIGIN": (["2026-01-01T00:00:00Z"], ["2026-01-01", "2026-01-01T00:00:00", "now"]),
    "LUMEN_FAULT_AT": (["store.decide.after:2", "execute.applying:1:stop"], ["here", "store.decide:x"]),
}
#: What a setting cannot do without.
BESIDE = {
    "SERVICES": {"SERVICE_NAME": ""},
    "LUMEN_CLOCK_SCALE": CLOCK,
    "LUMEN_CLOCK_ORIGIN": CLOCK,
    "LUMEN_FAULT_AT": SANDBOX,
    "ONCALL_ESCALATION": {
        "ONCALL_GROUP": "S0IONCALL1",
        "PAGER_WEBHOOK_URL": "https://KEY@events.pagerduty.com/v2/enqueue",
    },
}
#: What must not stand in any log.
SECRETS = ("TOKEN", "URL")

Start = Callable[..., Settings]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Start:
    """Starts with what is given and nothing else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "services.yaml").write_text("services: [{name: ion-api}]\n")

    def started(**given: str) -> Settings:
        with monkeypatch.context() as patched:
            for name in names_of(Settings):
                patched.delenv(name, raising=False)
            for name, value in {**WHOLE, **given}.items():
                patched.setenv(name, value)
            return load_settings()

    return started


def refused(start: Start, **given: str) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        start(**given)
    return error.value.problems


def test_the_table_has_every_setting() -> None:
    assert sorted(TABLE) == sorted(names_of(Settings))


@pytest.mark.parametrize("name", sorted(TABLE))
def test_what_can_be_used_is_and_what_cannot_is_told_with_all_four(start: Start, name: str) -> None:
    beside = BESIDE.get(name, {})
    good, bad = TABLE[name]
    for value in good:
        start(**{**beside, name: value})
    for value in bad:
        problems = refused(start, **{**beside, name: value})
        (told,) = [each for each in problems if each.startswith(f"{name} = ")]
        shape = re.fullmatch(
            rf"{name} = (.+) cannot be used(?: because of .+)?\. Allowed: (.+)\. Example: {name}=(.+)", told, re.S
        )
        assert shape, told
        if any(word in name for word in SECRETS) or "u:p@" in value:
            assert re.fullmatch(r"((xox[a-z]|xapp)-|[a-z]+://)?\(hidden\)", shape[1])
        else:
            assert shape[1] == repr(value)
        start(**{**beside, name: shape[3]})


def test_each_problem_is_told_once_and_all_at_once(start: Start) -> None:
    problems = refused(start, REGION="US", SERVICE_NAME="ION API", SLACK_BOT_TOKEN="xapp-1", CACHE_SIZE_MB="4")
    assert sorted(each.split(" ")[0] for each in problems) == [
        "CACHE_SIZE_MB",
        "REGION",
        "SERVICE_NAME",
        "SLACK_BOT_TOKEN",
    ]
    assert "xapp-(hidden)" in " ".join(problems)


@pytest.mark.parametrize("name", sorted(WHOLE.keys() - {"APPROVERS"}))
def test_what_is_missing_is_told_with_an_example(start: Start, name: str) -> None:
    (told,) = refused(start, **{name: ""})
    shape = re.fullmatch(rf"{name} is not set.*\. Allowed: .+\. Example: {name}=(.+)", told)
    assert shape, told
    start(**{name: shape[1]})


def test_sentences_are_korean_where_the_reader_is(start: Start) -> None:
    (told,) = refused(start, REGION="US", LUMEN_LOCALE="ko")
    assert "REGION = 'US': 쓸 수 없는 값입니다" in told


TYPOS = {
    "TTL_STRATGY": "TTL_STRATEGY",
    "SERVICE_NAMES": "SERVICE_NAME",
    "REGOIN": "REGION",
    "APPROVER": "APPROVERS",
    "DISABLE_AUTO_OPTIMISATION": "DISABLE_AUTO_OPTIMIZATION",
    "SLACK_BOT_TOEKN": "SLACK_BOT_TOKEN",
    "STATE_REDIS_ULR": "STATE_REDIS_URL",
    "ROLLBACK_TIMOUT_SECOND": "ROLLBACK_TIMEOUT_SECONDS",
    "LUMEN_LOCAL": "LUMEN_LOCALE",
}


@pytest.mark.parametrize("place", ["environment", ".env"])
@pytest.mark.parametrize("typo", sorted(TYPOS))
def test_a_name_near_one_of_ours_is_named_with_it(start: Start, typo: str, place: str, tmp_path: Path) -> None:
    meant = TYPOS[typo]
    value = WHOLE.get(meant, TABLE[meant][0][0])
    given = {meant: ""}
    if place == ".env":
        (tmp_path / ".env").write_text(f"{typo}={value}\n")
    else:
        given[typo] = value
    told = next(each for each in refused(start, **given) if each.startswith(f"{typo} = "))
    assert re.search(
        rf"there is no such setting\. The nearest is {meant}\. Allowed there: .+\. Example: {meant}=.", told
    )
    hidden = any(word in meant for word in SECRETS)
    assert ("(hidden)" if hidden else repr(value)) in told


def test_every_setting_is_found_by_one_slip() -> None:
    for number, name in enumerate(sorted(TABLE)):
        at = number % len(name)
        for slip in (name[:at] + name[at + 1 :], name[:at] + "J" + name[at + 1 :], name[:at] + "J" + name[at:]):
            if len(name) >= LEAST_LETTERS and slip not in TABLE:
                assert slips(slip, nearest(slip, TABLE)) == 1
    assert [slips("REGION", other) for other in ("REGION", "REGOIN", "REGON", "REGIONS", "LEGIONS")] == [0, 1, 1, 1, 2]


def test_foreign_variables_are_left_alone(start: Start) -> None:
    foreign = (
        "PATH HOME HOSTNAME LANG DEBUG PORTS SORT HTTP_PORT HTTP_PROXY REDIS_URL REDIS_CA REDIS_SERVICE_HOST BUDGET "
        "SERVICE SERVICES_HOST "
        "REDIS_PORT_6379_TCP K_SERVICE K_REVISION GOOGLE_CLOUD_PROJECT PROJECT SLACK_API_TOKEN SLACK_SIGNING_SECRET "
        "AWS_REGION CACHE_TTL LOG_LABEL INPUT_DIR CACHE_DIR TZ SERVICE_ACCOUNT DRYER TTL SLO FREEZER_ID APPROVED_BY"
    )
    start(**dict.fromkeys(foreign.split(), "x"), REGION="us-central1")


def test_a_secret_in_the_wrong_place_is_masked_too(start: Start) -> None:
    for name, value in (
        ("SLACK_CHANNEL", "xoxb-12-word"),
        ("REDIS_HOST", "redis://u:word@h"),
        ("APPROVERS", "U0MINA0001,xapp-word"),
    ):
        assert "word" not in " ".join(refused(start, **{name: value})).partition("Allowed")[0]


@pytest.mark.parametrize(
    ("mode", "beside", "says"),
    [
        (0o400, {}, ""),
        (0o600, {}, ""),
        (0o440, {}, "others may read it"),
        (0o644, {}, "others may read it"),
        (0o400, {"STATE_REDIS_URL": "redis://10.0.0.4"}, "leave one of the two out"),
        (None, {}, "it cannot be read (FileNotFoundError)"),
    ],
)
def test_a_secret_may_stand_in_a_file_that_nobody_else_can_read(
    mode: int | None, beside: dict[str, str], says: str, start: Start, tmp_path: Path
) -> None:
    secret = tmp_path / "state"
    if mode is not None:
        secret.write_text("redis://:s3cret@10.0.0.9:6379/0\n")
        secret.chmod(mode)
    given = {"STATE_REDIS_URL": "", "STATE_REDIS_URL_FILE": str(secret), **beside}
    if says:
        told = refused(start, **given)[0]
        assert says in told and "s3cret" not in told
        assert told.startswith(f"STATE_REDIS_URL_FILE = {secret}")
    else:
        assert start(**given).state_redis_url.get_secret_value() == "redis://:s3cret@10.0.0.9:6379/0"


@pytest.mark.parametrize(
    ("predict", "observed"),
    [("", ["ion-api", "ion-api-canary"]), ("none", []), ("ion-api-canary", ["ion-api-canary"])],
)
def test_the_accesses_of_those_services_are_kept_that_are_named(
    start: Start, predict: str, observed: list[str]
) -> None:
    settings = start(SERVICE_NAME="ion-api,ion-api-canary", PREDICT=predict)
    assert [service.name for service in settings.observed_services] == observed
