"""What may come instead of an answer of Slack: from a proxy, a captive portal, or a Slack that is being repaired."""

from typing import Any

HTML = "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
#: Fields that some method must bring, each something else than it should be.
_WRONG = (
    "user",
    "users",
    "view",
    "team_id",
    "user_id",
    "url",
    "channel",
    "ts",
    "messages",
    "permalink",
    "file",
    "file_id",
)
_WRONG_TOO = ("response_metadata", "bot_id", "team")


def _with_fields(value: str) -> str:
    return "{" + ", ".join(['"ok": true', *(f'"{name}": {value}' for name in (*_WRONG, *_WRONG_TOO))]) + "}"


def _later(retry_after: str) -> dict[str, Any]:
    return {"status": 429, "body": '{"ok": false, "error": "ratelimited"}', "headers": {"Retry-After": retry_after}}


#: By a name: the arguments of `SandboxClient.fault(…, "answer")`.
ODD: dict[str, dict[str, Any]] = {
    "html": {"body": HTML, "content_type": "text/html"},
    "html_502": {"status": 502, "body": HTML, "content_type": "text/html"},
    "html_403": {"status": 403, "body": HTML, "content_type": "text/html"},
    "html_as_json": {"body": HTML},
    "html_404_as_json": {"status": 404, "body": HTML},
    "plain_text": {"status": 503, "body": "upstream connect error", "content_type": "text/plain"},
    "plain_text_ok": {"body": "ok", "content_type": "text/plain"},
    "cut_off": {"body": '{"ok": true, "user": {"id": "U0'},
    "null": {"body": "null"},
    "list": {"body": "[]"},
    "list_of_ok": {"body": '[{"ok": true}]'},
    "text": {"body": '"ok"'},
    "number": {"body": "1"},
    "empty": {"body": ""},
    "empty_object": {"body": "{}"},
    "empty_500": {"status": 500, "body": ""},
    "deep": {"body": "[" * 100_000},
    "not_ok": {"body": '{"ok": false}'},
    "ok_as_text": {"body": '{"ok": "true"}'},
    "error_null": {"body": '{"ok": false, "error": null}'},
    "error_object": {"body": '{"ok": false, "error": {"code": 1}}'},
    "error_unheard_of": {"body": '{"ok": false, "error": "something_new"}'},
    "ok_on_500": {"status": 500, "body": '{"ok": true}'},
    "nulls": {"body": _with_fields("null")},
    "numbers": {"body": _with_fields("7")},
    "lists": {"body": _with_fields("[null, 7]")},
    "objects": {"body": _with_fields('{"id": 7, "next_cursor": []}')},
    "redirect": {"status": 302, "body": "", "headers": {"Location": "http://127.0.0.1:1/"}},
    "no_gzip": {"body": "no gzip", "headers": {"Content-Encoding": "gzip"}},
    "odd_charset": {"body": "\ufeff{", "content_type": "application/json; charset=nonsense"},
    "later_date": _later("Wed, 21 Oct 2026 07:28:00 GMT"),
    "later_empty": _later(""),
    "later_list": _later("1.5, 2"),
    "later_infinite": _later("inf"),
    "later_negative": _later("-3"),
    "later_html": {"status": 429, "body": HTML, "content_type": "text/html"},
}

#: One of each sort, for tests that take long.
FEW = {name: ODD[name] for name in ("html_502", "plain_text", "cut_off", "null", "nulls", "later_date")}
