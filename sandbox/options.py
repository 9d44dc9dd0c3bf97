"""The sandbox's command line."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from sandbox.ion.config import IonConfig

USUAL = IonConfig()
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read the command line; argparse answers what is wrong and exits with 2."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Slack, Google Cloud and ION in one process, on loopback."
    )
    parser.add_argument("--host", default="127.0.0.1", help="loopback only")
    parser.add_argument("--http-port", type=int, default=0, help="page, Slack and control; 0 takes a free one")
    parser.add_argument("--grpc-port", type=int, default=0, help="Google APIs; 0 takes a free one")
    parser.add_argument("--cache-url", help="ION's cache: redis://… or unix:///…; needed unless --no-ion")
    parser.add_argument("--clock-scale", type=float, default=1.0, help="how many times as fast service time runs")
    parser.add_argument("--clock-origin", type=_instant, help="ISO instant at which service time equals the wall")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--manifest", type=_file, help="the app's manifest, YAML or JSON (default: manifest.yaml here, if there is one)"
    )
    parser.add_argument("--guide", type=_file, help="steps of the page's first minute, JSON (docs/sandbox.md)")
    parser.add_argument("--no-ion", action="store_true", help="no users and no metrics of ION; the APIs alone")
    parser.add_argument("--fleet", type=int, default=0, help="so many more services with synthetic metrics")
    parser.add_argument("--fleet-days", type=float, default=14.0, help="of these metrics before the start")
    parser.add_argument("--history-days", type=int, default=14, help="of metrics before the start, 14 to 42")
    parser.add_argument("--requests-per-second", type=float, default=6.0, help="of service time, on average")
    parser.add_argument("--vertex-usd", type=float, default=USUAL.vertex_usd, help="price of one Vertex call")
    parser.add_argument(
        "--cache-mb-usd", type=float, default=USUAL.cache_mb_usd, help="price of the cache's MB a month"
    )
    parser.add_argument("--budget-usd", type=int, default=200, help="amount of the budget that exists at the start")
    parser.add_argument("--cache-mb", type=int, default=256, help="memory limit given to a cache that has none")
    parser.add_argument("--contract", type=int, default=2, choices=(1, 2), help="version that ION speaks with Lumen")
    parser.add_argument("--ingest-delay", type=float, default=120.0, help="seconds of service time until metrics show")
    parser.add_argument("--deploy-seconds", type=float, default=20.0, help="service time until a revision is ready")
    parser.add_argument("--change-seconds", type=float, default=3.0, help="service time that other changes take")
    parser.add_argument("--log-level", default="WARNING")
    parsed = parser.parse_args(argv)
    if parsed.host not in LOOPBACK:
        parser.error(f"--host {parsed.host}: the sandbox has no passwords and listens on loopback only")
    if parsed.cache_url is None and not parsed.no_ion:
        parser.error("--cache-url is needed (the Redis or Valkey that ION caches in), or --no-ion")
    if parsed.manifest is None and Path("manifest.yaml").is_file():
        parsed.manifest = Path("manifest.yaml")
    if not 14 <= parsed.history_days <= 42:  # as old as the revisions are; as long as Google keeps metrics
        parser.error(f"--history-days {parsed.history_days}: must be 14 to 42")
    if parsed.clock_scale <= 0:
        parser.error(f"--clock-scale {parsed.clock_scale}: must be above 0")
    return parsed


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
