"""Joins Slack, Google Cloud and ION in one process: starts them, says where they are, stops them."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from dataclasses import asdict

from aiohttp import web

from sandbox.clock import Clock
from sandbox.control.incidents import IncidentControl
from sandbox.control.requests import sentences
from sandbox.control.world import WorldControl
from sandbox.google.cloud import GoogleCloud
from sandbox.incidents.runner import Incidents
from sandbox.incidents.stage import Stage
from sandbox.ion.cachestore import CacheDown
from sandbox.ion.config import IonConfig
from sandbox.ion.fleet import place_fleet
from sandbox.ion.place import place_budget, place_services
from sandbox.ion.world import World
from sandbox.slack.guard import loopback_only
from sandbox.slack.manifest import ManifestUnreadable
from sandbox.slack.server import SlackServer

BILLING_ACCOUNT = "billingAccounts/01ABCD-2EF345-678901"

_log = logging.getLogger("sandbox")


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
        cache_mb_usd=options.cache_mb_usd,
        cache_mb=options.cache_mb,
        contract=options.contract,
    ).with_history(options.history_days)
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
    place_fleet(config, cloud, clock.seconds(), options.fleet, options.fleet_days)
    place_budget(config, cloud.budgets, BILLING_ACCOUNT, options.budget_usd)
    world = None if options.no_ion else World(config, clock, cloud, options.cache_url)
    try:
        guide = json.loads(options.guide.read_text(encoding="utf-8")) if options.guide else ()
        slack = SlackServer(clock=clock, guide=guide, manifest_path=options.manifest)
    except ManifestUnreadable as error:
        _log.error("the sandbox cannot start: %s", error)
        return 1
    application = web.Application(middlewares=[loopback_only, sentences], client_max_size=64 * 1024 * 1024)
    slack.mount(application)
    WorldControl(clock, cloud, world).mount(application)
    incidents = None if world is None else Incidents(Stage(clock, cloud, world, slack))
    if incidents is not None:
        IncidentControl(incidents).mount(application)
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
    troubles = None if incidents is None else asyncio.create_task(incidents.run())
    await stop.wait()
    if troubles is not None:
        troubles.cancel()
    if world is not None:
        await world.stop()
    await cloud.server.stop()
    await runner.cleanup()
    return 0
