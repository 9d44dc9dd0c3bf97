"""What is written of gcloud: every command line in the documents, in deploy/ and in Lumen's own sentences."""

import importlib.util
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
#: Words of a command, and the flags of it that are written anywhere. Where gcloud is installed, a test asks it.
KNOWN: Mapping[str, tuple[str, ...]] = {
    "artifacts repositories create": ("--repository-format", "--location"),
    "auth application-default login": (),
    "auth print-identity-token": ("--audiences", "--include-email"),
    "billing accounts add-iam-policy-binding": ("--member", "--role"),
    "billing accounts list": (),
    "billing budgets create": ("--billing-account", "--display-name", "--budget-amount"),
    "builds submit": ("--tag",),
    "iam service-accounts add-iam-policy-binding": ("--member", "--role"),
    "iam service-accounts create": (),
    "logging read": ("--limit",),
    "monitoring dashboards create": ("--config-from-file",),
    "projects add-iam-policy-binding": ("--member", "--role"),
    "projects list": (),
    "pubsub subscriptions add-iam-policy-binding": ("--member", "--role"),
    "pubsub subscriptions create": (
        "--topic",
        "--ack-deadline",
        "--push-endpoint",
        "--push-auth-service-account",
        "--push-auth-token-audience",
    ),
    "pubsub topics create": (),
    "redis instances describe": ("--region",),
    "redis instances list": ("--region",),
    "redis instances update": ("--region", "--size", "--update-redis-config"),
    "run regions list": (),
    "run services add-iam-policy-binding": ("--member", "--role", "--region"),
    "run services describe": ("--region",),
    "run services list": ("--region",),
    "run services replace": ("--region",),
    "run services update": (
        "--region",
        "--update-env-vars",
        "--set-env-vars",
        "--min-instances",
        "--no-cpu-throttling",
        "--memory",
    ),
    "run worker-pools describe": ("--region",),
    "run worker-pools replace": (),
    "scheduler jobs create http": (
        "--location",
        "--schedule",
        "--uri",
        "--http-method",
        "--oidc-service-account-email",
        "--oidc-token-audience",
    ),
    "secrets add-iam-policy-binding": ("--member", "--role"),
    "secrets create": ("--data-file",),
    "services enable": (),
}
#: Every command has these.
EVERYWHERE = frozenset({"--project", "--format", "--quiet", "--impersonate-service-account", "--account"})
#: Are named as what there is, without being command lines.
NAMED = frozenset({"gcloud scheduler jobs create", "gcloud monitoring metric-descriptors create"})


def written() -> Iterator[tuple[str, str]]:
    """Where a command line stands, and the line."""
    pages = (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").iterdir())
    for page in (*pages, *(ROOT / "lumen" / "wording" / "texts").rglob("*.toml")):
        text = page.read_text(encoding="utf-8")
        spans = re.findall(r"`(gcloud [^`\n]+(?:\n[^`\n]+)?)`", text)
        lines = re.findall(r"^(?:# )?(gcloud [a-z].+)$", text, re.MULTILINE)
        inner = re.findall(r"\$\((gcloud [^)]+)\)", text)
        for line in (*spans, *lines, *inner):
            command = " ".join(line.split())
            if command not in NAMED:
                yield page.name, command


def fault(command: str) -> str:
    """Why gcloud would not take it; "" where it would."""
    words = shlex.split(command.replace("\\", ""))[1:]
    prefixes = [" ".join(words[:count]) for count in range(len(words), 0, -1)]
    name = next((prefix for prefix in prefixes if prefix in KNOWN), "")
    if not name:
        return f"no such command: {command}"
    flags = {word.partition("=")[0] for word in words if word.startswith("--")}
    unknown = flags - set(KNOWN[name]) - EVERYWHERE
    return f"{', '.join(sorted(unknown))}: {command}" if unknown else ""


def own_tree() -> Any:
    """gcloud's own table of commands and flags, or None where it is not installed (or comes without)."""
    for place in (Path("/usr/lib/google-cloud-sdk"), Path.home() / "google-cloud-sdk"):
        file = place / "data" / "cli" / "gcloud_completions.py"
        if file.is_file():
            found = importlib.util.spec_from_file_location("gcloud_completions", file)
            assert found is not None and found.loader is not None
            module = importlib.util.module_from_spec(found)
            found.loader.exec_module(module)
            return module.STATIC_COMPLETION_CLI_TREE
    return None
