"""Lines of logs as people see them: no secret of any kind, and ordinary text as it was."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lumen.alerts.masking import MARK, masked, says_what_is_wrong

#: Kind, line, and the secret in it, which is made of pieces so that no scanner takes it for a real one.
CORPUS = (
    ("bearer token", "401 with Authorization: Bearer {}", "ya29." "a0AfH6SMBx-3kQz_8vPtL0"),
    ("basic auth", "sent header Authorization: Basic {} to upstream", "bHVtZW46" "aHVudGVyMg=="),
    ("opaque bearer word", "upstream refused bearer {}", "swordfish"),
    ("JWT", "cannot verify {}", "eyJhbGciOiJIUzI1NiJ9." "eyJzdWIiOiIxMjM0In0." "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9"),
    ("AWS key id", "InvalidClientTokenId: {}", "AKIA" "IOSFODNN7EXAMPLE"),
    ("AWS secret key", "using {} for signing", "wJalrXUtnFEMI/" "K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("AWS session", "AWS_SESSION_TOKEN={}", "FwoGZXIvYXdzEBYaD" "HqmVZz/1kQ=="),
    ("GCP API key", "https://maps.googleapis.com/v1?key={}&q=a", "AIza" "SyA-3kQz8vPtL0mNbVcXzAsDfGhJkLpOiU"),
    ("GCP service account", 'loaded {{"private_key_id": "{}", "type": "service_account"}}', "3f8a9c2e" "1d7b4f60a5c8"),
    ("private key", "bad key -----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0B"),
    ("private key, cut", "bad key -----BEGIN RSA PRIVATE KEY-----\\n{}", "MIIEvQIBADANBgkqhkiG9w0B"),
    ("SSH key", "ssh-rsa {} deploy", "AAAAB3NzaC1yc2EAAAADAQABAAABgQC7"),
    ("Slack bot token", "invalid_auth for {}", "xoxb-" "123456789012-abcdefGHIJKL"),
    ("Slack app token", "socket closed ({})", "xapp-1-" "A012BCD-345-deadbeef99"),
    ("Slack webhook", "POST https://hooks.slack.com/services/{} 404", "T0A1B2C3D/B4E5F6G7H/" "xYzAbCdEfGh12345"),
    ("GitHub token", "clone failed: https://{}@github.com/ion/api", "ghp_" "a1B2c3D4e5F6g7H8i9J0"),
    ("GitLab token", "PRIVATE-TOKEN: {}", "glpat-" "kQz8vPtL0mNbVcXz"),
    ("npm token", "//npm.example.com/:_authToken={}", "npm_" "kQz8vPtL0mNbVcXzAsDf"),
    ("PyPI token", "twine refused {}", "pypi-" "AgEIcHlwaS5vcmcCJGQ4"),
    ("Stripe key", "No such charge with {}", "sk_live_" "4eC39HqLyjWDarjtT1zdp7dc"),
    ("OpenAI key", "Incorrect API key provided: {}.", "sk-proj-" "kQz8vPtL0mNbVcXzAsDf"),
    ("SendGrid key", "mail refused with {}", "SG." "kQz8vPtL0mNb.VcXzAsDfGhJkLpOi"),
    ("Twilio sid", "account {} suspended", "AC" "3f8a9c2e1d7b4f60a5c8"),
    ("Telegram token", "GET /bot{}/sendMessage 401", "123456789:" "AAHdqTcvCH1vGWJxfSeofSAs0K5"),
    ("Discord token", "login of {}", "MTk4NjIyNDgz" "NDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"),
    ("Vault token", "permission denied for hvs.{}", "CAESIJ3kQz8v" "PtL0mNbVcXz"),
    ("Hugging Face token", "401 {}", "hf_" "kQzVPtLmNbVcXzAsDfGhJ"),
    ("Databricks token", "token {} is not valid", "dapi" "3f8a9c2e1d7b4f60a5c8"),
    ("Azure account key", "AccountName=ion;AccountKey={};Suffix=x", "Eby8vdM02xNO" "cqFlqUwJPLlmEtlCDXJ1OUzFT50u=="),
    ("signed URL", "GET https://storage.googleapis.com/b/o?X-Goog-Signature={}", "3f8a9c2e1d7b4f60a5c8" "9e"),
    ("OAuth code", "redirect ?code={}&state=x failed", "4/0AX4XfWh" "kQz8vPtL0mNb"),
    ("password, key=value", "login failed password={} ip=x", "hunter2"),
    ("password of odd signs", "pwd={} rejected", "p@ss,w;rd!#1"),
    ("password, JSON", 'body {{"user": "kim", "password": "{}"}}', "correct horse battery"),
    ("password, JSON in JSON", 'body "{{\\"db_password\\":\\"{}\\"}}"', "s3cret, really"),
    ("password, YAML", "dbPassword: {}", "correct horse battery staple"),
    ("password in a sentence", "the password is {}", "Swordfish"),
    ("password, bare", "wrong password {} for a login", "swordfishes"),
    ("password, option", "ran mysqldump --password {} ion", "swordfish"),
    ("password, short option", "ran mysql -u root -p {} ion", "swordfish"),
    ("password, Korean", "로그인 실패: 비밀번호는 {} 입니다", "swordfish"),
    ("client secret", "clientSecret => {}", "Quiet-River"),
    ("URL with a password", "cannot connect to postgres://ion:{}@db.internal:5432/ion", "p/w@rd#1"),
    ("Redis URL", "redis://:{}@10.8.0.3:6379/0 refused", "quietriver"),
    ("connection string", "Server=db;User Id=ion;Password={};Encrypt=true", "Quiet River"),
    ("cookie", "Cookie: theme=dark; sid={}; lang=ko", "quiet-river"),
    ("set-cookie", "Set-Cookie: ION={}; Path=/; HttpOnly", "quietriver"),
    ("session id", "session_id={} not found", "quietriver"),
    ("CSRF token", "csrfmiddlewaretoken: {}", "quietriver"),
    ("e-mail", "no mentor for {}", "kim.minji+ion@example.co.kr"),
    ("user name", "user={} is locked", "minji"),
    ("UUID", "mentor {} not found", "8f14e45f-ceea-467a-9f1a-0b6d5c3e2a11"),
    ("ULID", "job {} lost", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    ("request id", "request {} failed", "65f1c0de00ff0a1b2c3d4e5f"),
    ("long number", "student 20241123987 has no plan", "20241123987"),
    ("card", "declined 4111 1111 1111 1111 today", "4111 1111 1111 1111"),
    ("card, dashes", "declined 4111-1111-1111-1111 today", "4111-1111-1111-1111"),
    ("phone", "SMS to +82 10-1234-5678 failed", "10-1234-5678"),
    ("phone, national", "SMS to 010-1234-5678 failed", "010-1234-5678"),
    ("phone, full width", "SMS to ０１０-１２３４-５６７８ failed", "1234"),
    ("social security", "SSN 123-45-6789 refused", "123-45-6789"),
    ("resident number", "주민번호 900101-1234567 확인 실패", "900101-1234567"),
    ("IBAN", "payout to DE89370400440532013000 failed", "370400440532013000"),
    ("IPv4", "blocked 203.0.113.77:51423", "203.0.113.77"),
    ("IPv6", "blocked [2001:db8::ff00:42:8329]", "db8::ff00:42:8329"),
    ("MAC", "device 00:1b:44:11:3a:b7 gone", "1b:44:11:3a"),
    ("bcrypt", "compare with {} failed", "$2b$12$" "LQv3c1yqBWVHxkd0LHAkCO"),
    ("base64 blob", "cannot decode {}", "TG9yZW0gaXBz" "dW0gZG9sb3Igc2l0IGFtZXQ="),
    ("hex blob", "digest {} differs", "9e107d9d372bb682" "6bd81d3542a419d6"),
    ("license", "license ABCDE-1F2G3-HIJK4-5LMNO expired", "1F2G3-HIJK4"),
    ("random word", "cannot open {}", "xkqzvbtrwpfh"),
    ("zero width", "password=hun\u200bter2", "ter2"),
    ("one-time code", "OTP 483920 expired", "483920"),
)  # fmt: skip

ORDINARY = (
    "redis.exceptions.ConnectionError: Error 111 connecting to ion-redis.internal:6379. Connection refused.",
    "asyncio.exceptions.TimeoutError: deadline of 3000 ms exceeded while calling vertex-ai",
    'File "/app/ion/mentoring/answers.py", line 42, in answer',
    "google.api_core.exceptions.ResourceExhausted: 429 Quota exceeded for aiplatform.googleapis.com/online_prediction",
    'sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) could not translate host name "db" to address',
    "TypeError: 'NoneType' object is not subscriptable",
    "KeyError: 'mentor_id'",
    "GET /v1/mentors/recommend 500 in 1532ms",
    "Memory limit of 512 MiB exceeded with 534 MiB used. Consider increasing the memory limit",
    "Container called exit(1).",
    "pydantic_core._pydantic_core.ValidationError: 1 validation error for MentorAnswer",
    'java.lang.NullPointerException: Cannot invoke "com.ion.Mentor.getName()" because "mentor" is null',
    "HTTP 503 from upstream ion-api-canary (revision ion-api-00042-dvt), attempt 2/3",
    "token expired, please log in again",
    "invalid password for user",
    "authentication failed: token missing",
    "멘토 추천에 실패했습니다: 응답이 비어 있습니다 (5회 시도)",
    "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
    "panic: runtime error: index out of range [5] with length 3",
    'duplicate key value violates unique constraint "mentors_pkey"',
    "prompt_tokens=1532 completion_tokens=212 finish_reason=length",
    "RuntimeError: Event loop is closed",
)


@pytest.mark.parametrize(("kind", "line", "secret"), CORPUS, ids=[kind for kind, *_ in CORPUS])
def test_no_secret_of_any_kind_is_shown(kind: str, line: str, secret: str) -> None:
    shown = masked(line.format(secret))
    assert secret not in shown, kind
    assert not [word for word in secret.split() if len(word) > 4 and word in shown], kind
    assert MARK in shown


@pytest.mark.parametrize("line", ORDINARY)
def test_ordinary_text_stays_readable(line: str) -> None:
    assert masked(line) == line


def _of(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    """Random as generators of secrets make them: no letter twice as often as chance has it would be a word."""
    return st.randoms(use_true_random=False).flatmap(
        lambda dice: st.integers(least, most).map(lambda n: "".join(dice.choice(alphabet) for _ in range(n)))
    )


ALNUM = string.ascii_letters + string.digits
SECRETS = st.one_of(
    _of("0123456789abcdef", 20, 64),
    _of("0123456789ABCDEF", 20, 64),
    _of(ALNUM, 20, 64),
    _of(ALNUM + "-_", 20, 64),
    _of(ALNUM + "+/", 22, 64).map(lambda text: text + "=="),
    _of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 20, 52),
    _of(string.digits, 6, 20),
    st.uuids().map(str),
    st.ip_addresses().map(str).filter(lambda text: len(text) > 6),
    st.from_regex(r"[a-z0-9][a-z0-9._%+-]{0,20}@[a-z0-9][a-z0-9-]{0,15}\.(com|org|co\.kr)", fullmatch=True),
)
BEFORE = st.sampled_from(
    ["failed for ", "key: ", 'at "', "(", "id=", "GET /v1/", "https://ion.example/a?b=", "오류: ", "[", "x: {'a': '"]
)
AFTER = st.sampled_from(
    ["", " not found", '" refused', ")", ", retrying", ".", "/orders", "&lang=ko", "]: 입니다", "'}"]
)


@given(BEFORE, SECRETS, AFTER)
def test_random_secrets_within_ordinary_text_are_masked(before: str, secret: str, after: str) -> None:
    shown = masked(before + secret + after)
    pieces = {secret[at : at + 8] for at in range(max(1, len(secret) - 7))}
    assert not [piece for piece in pieces if piece in shown], shown


PASSWORDS = st.text(string.ascii_letters + string.digits + "!#$%&*+-./:;<=>?@^_~,", min_size=5, max_size=24)
NAMED = st.sampled_from(
    [
        "password={}",
        'password: "{}"',
        '"passwd":"{}"',
        "DB_PASSWORD={}",
        "api_key='{}'",
        "secretKey = {}",
        "auth-token: {}",
    ]
)


@given(NAMED, PASSWORDS.filter(lambda text: text.strip(".,:;?!<>=&-_") != "" and text[0] not in "=>:<-?"))
def test_whatever_stands_after_the_name_of_a_secret_is_masked(name: str, secret: str) -> None:
    line = "login failed {} (attempt 3)".format
    assume(secret not in line(name))
    assert says_what_is_wrong(secret) or secret not in masked(line(name.format(secret)))


@given(st.text(max_size=300))
def test_any_text_is_masked_without_fail_and_masked_twice_is_masked_once(text: str) -> None:
    assert masked(masked(text)) == masked(text)
