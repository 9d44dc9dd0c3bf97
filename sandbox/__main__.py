"""`python -m sandbox`: Slack, Google Cloud and ION in one process, on loopback.

When everything answers it prints one line of JSON on stdout: where what is. It logs to stderr. SIGTERM or SIGINT end
it cleanly.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from sandbox.clock import Clock
from sandbox.control.world import WorldControl
from sandbox.google.cloud import GoogleCloud
from sandbox.ion.cachestore import CacheDown
from sandbox.ion.config import IonConfig
from sandbox.ion.fleet import place_fleet
from sandbox.ion.place import place_budget, place_services
from sandbox.ion.world import World
from sandbox.slack.guard import LOOPBACK_NAMES, loopback_only
from sandbox.slack.server import SlackServer

BILLING_ACCOUNT = "billingAccounts/01ABCD-2EF345-678901"

_log = logging.getLogger("sandbox")


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read the command line; argparse answers what is wrong and exits with 2."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="loopback only")
    parser.add_argument("--http-port", type=int, default=0, help="page, Slack and control; 0 takes a free one")
    parser.add_argument("--grpc-port", type=int, default=0, help="Google APIs; 0 takes a free one")
    parser.add_argument("--cache-url", help="ION's cache: redis://… or unix:///…; needed unless --no-ion")
    parser.add_argument("--clock-scale", type=float, default=1.0, help="how many times as fast service time runs")
    parser.add_argument("--clock-origin", type=_instant, help="ISO instant at which service time equals the wall")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--manifest", type=Path, default=Path("manifest.yaml"), help="the app's manifest, if it is there"
    )
    parser.add_argument("--no-ion", action="store_true", help="no users and no metrics of ION; the APIs alone")
    parser.add_argument("--fleet", type=int, default=0, help="so many more services with synthetic metrics")
    parser.add_argument("--requests-per-second", type=float, default=6.0, help="of service time, on average")
    parser.add_argument("--vertex-usd", type=float, default=0.01, help="price of one Vertex call")
    parser.add_argument("--budget-usd", type=int, default=200, help="amount of the budget that exists at the start")
    parser.add_argument("--cache-mb", type=int, default=256, help="memory limit given to a cache that has none")
    parser.add_argument("--ingest-delay", type=float, default=120.0, help="seconds of service time until metrics show")
    parser.add_argument("--deploy-seconds", type=float, default=20.0, help="service time until a revision is ready")
    parser.add_argument("--change-seconds", type=float, default=3.0, help="service time that other changes take")
    parser.add_argument("--log-level", default="WARNING")
    parsed = parser.parse_args(argv)
    if parsed.host not in LOOPBACK_NAMES:
        parser.error(f"--host {parsed.host}: the sandbox has no passwords and listens on loopback only")
    if parsed.cache_url is None and not parsed.no_ion:
        parser.error("--cache-url is needed (the Redis or Valkey that ION caches in), or --no-ion")
    if parsed.clock_scale <= 0:
        parser.error(f"--clock-scale {parsed.clock_scale}: must be above 0")
    return parsed


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


async def serve(options: argparse.Namespace) -> int:
    """Start, say where, and wait for the end. Returns the exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = Clock(options.clock_scale, options.clock_origin)
    config = IonConfig(
        seed=options.seed,
        requests_per_second=options.requests_per_second,
        vertex_usd=options.vertex_usd,
        cache_mb=options.cache_mb,
    )
    cloud = GoogleCloud(
        clock=clock,
        project=config.project,
        billing_account=BILLING_ACCOUNT,
        seed=options.seed,
        ingest_delay_seconds=options.ingest_delay,
        deploy_seconds=options.deploy_seconds,
        change_seconds=options.change_seconds,
    )
    place_services(config, cloud.cloud_run, clock.seconds())
    place_fleet(config, cloud, clock.seconds(), options.fleet)
    place_budget(config, cloud.budgets, BILLING_ACCOUNT, options.budget_usd)
    world = None if options.no_ion else World(config, clock, cloud.series, cloud.cloud_run, options.cache_url)
    slack = SlackServer(
        wall=lambda: clock.wall_now().timestamp(),
        manifest_path=options.manifest if options.manifest.exists() else None,
    )
    application = web.Application(middlewares=[loopback_only], client_max_size=64 * 1024 * 1024)
    slack.mount(application)
    WorldControl(clock, cloud, world).mount(application)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.http_port)
        await site.start()
        if world is not None:
            await world.start()
        grpc_port = await cloud.server.start(options.host, options.grpc_port)
    except (OSError, RuntimeError, CacheDown) as error:
        _log.error("the sandbox cannot start: %s", error)
        await runner.cleanup()
        return 1
    http_port = runner.addresses[0][1]
    base = f"http://{options.host}:{http_port}"
    slack.listen_at(base)
    ready = {
        "page": f"{base}/",
        "slack_api_url": f"{base}/api/",
        "gcp_endpoint": f"{options.host}:{grpc_port}",
        "control": f"{base}/control/",
        **asdict(slack.facts()),
        "project": config.project,
        "region": config.region,
        "service": config.services[0].name,
        "redis_instance": config.redis_instance,
        "billing_account": BILLING_ACCOUNT,
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await stop.wait()
    if world is not None:
        await world.stop()
    await cloud.server.stop()
    await runner.cleanup()
    return 0


def main() -> None:
    """The process."""
    options = arguments(sys.argv[1:])
    logging.basicConfig(stream=sys.stderr, level=options.log_level, format="%(levelname)s %(name)s: %(message)s")
    sys.exit(asyncio.run(serve(options)))


if __name__ == "__main__":
    main()
