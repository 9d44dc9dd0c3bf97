"""`make remedies`: writes the tables of docs/troubleshooting.md and docs/ko/troubleshooting.md from the catalogue.

They hold what Lumen says when something cannot be read, judged or done, with what mends it. tests/docs/test_remedies.py
holds that the pages are what this would write, and that no reason is missing.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from lumen.wording.catalogue import templates

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {"en": DOCS / "troubleshooting.md", "ko": DOCS / "ko" / "troubleshooting.md"}
TABLES = re.compile(r"(?<=<!-- make remedies -->\n).*\Z", re.DOTALL)
#: Headings, and how the codes of the catalogue below each begin.
SECTIONS: tuple[tuple[Mapping[str, str], tuple[str, ...]], ...] = (
    ({"en": "What could not be read", "ko": "읽을 수 없을 때"}, ("source.",)),
    (
        {"en": "What could not be judged", "ko": "판단할 수 없을 때"},
        (
            "turn.",
            "assess.",
            "budget.",
            "policy.",
            "trend.",
            "effect.",
            "hold_back.",
            "approval.not_predictable",
            "forecast.",
            "graph.",
            "backtest.",
        ),
    ),
    ({"en": "Lumen's own store", "ko": "Lumen의 상태 저장소"}, ("state.",)),
    ({"en": "Changes that were not made", "ko": "적용되지 않은 변경"}, ("actuator.",)),
    ({"en": "Slack", "ko": "Slack"}, ("slack.",)),
    ({"en": "Calls from outside", "ko": "외부에서 온 호출"}, ("trigger.",)),
    ({"en": "What `lumen doctor` finds", "ko": "`lumen doctor`가 찾아내는 것"}, ("doctor.",)),
    ({"en": "What `lumen setup` meets", "ko": "`lumen setup`이 만나는 것"}, ("setup.",)),
)
HEAD = {"en": ("Lumen says", "What mends it"), "ko": ("Lumen이 하는 말", "해결 방법")}
#: What mends more than the reason that it is named after.
SHARED: Mapping[str, tuple[str, ...]] = {
    "source.credentials_remedy": ("source.no_credentials",),
    "source.billing_denied_remedy": ("source.permission_denied",),
    "source.billing_absent_remedy": ("source.not_found",),
    "source.instance_unknown_remedy": ("source.not_found",),
    "source.month_incomplete_remedy": ("source.month_partial",),
    "source.billed_none_remedy": ("source.billed_stale",),
    "assess.witnesses_differ_remedy": ("policy.held_gaps",),
    "approval.not_predictable_remedy": (
        "approval.not_predictable_traffic",
        "approval.not_predictable_min_instances",
        "approval.not_predictable_memory",
        "approval.not_predictable_l1_entries",
    ),
    "setup.not_found_remedy": ("source.not_found",),
    "actuator.moved_remedy": ("actuator.written_since", "actuator.traffic_moved"),
    "actuator.instance_remedy": ("actuator.instance_failed", "actuator.instance_unfinished"),
    "slack.refused_group_remedy": ("slack.refused_group_unresolved",),
    "trigger.token_remedy": ("trigger.no_token", "trigger.forged", "trigger.expired", "trigger.other_audience"),
}


def pairs(said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Codes of each reason and of what mends it, in the order of the catalogue."""
    for code in said:
        if code.endswith("_remedy"):
            own = code.removesuffix("_remedy")
            for reason in ((own,) if own in said else ()) + SHARED.get(code, ()):
                yield reason, code


def tables(locale: str) -> str:
    """All sections in one language."""
    said, blocks = templates(locale), []
    for name, begins in SECTIONS:
        rows = [(a, b) for a, b in pairs(said) if b.startswith(begins)]
        lines = [f"| {said_on_a_page(said[reason])} | {said_on_a_page(said[remedy])} |" for reason, remedy in rows]
        head = f"| {' | '.join(HEAD[locale])} |\n|---|---|\n"
        blocks.append(f"\n## {name[locale]}\n\n{head}" + "\n".join(lines) + "\n")
    return "".join(blocks)


def said_on_a_page(template: str) -> str:
    """A template as it is read on a page: its places in capitals inside of code, ‹named› elsewhere."""
    pieces = re.split(r"(`[^`]*`)", template.replace("|", "\\|"))
    return "".join(
        re.sub(r"\{(\w+)[^}]*\}", (lambda found: found[1].upper()) if piece[:1] == "`" else _place, piece)
        for piece in pieces
    )


def _place(found: re.Match[str]) -> str:
    return f"‹{found[1].replace('_', ' ')}›"


def main() -> None:
    """Write both pages."""
    for locale, page in PAGES.items():
        text = TABLES.sub(lambda _, of=locale: tables(of), page.read_text(encoding="utf-8"))  # type: ignore[misc]
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
