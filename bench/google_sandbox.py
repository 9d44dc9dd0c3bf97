"""The cost of the sandbox's Google side and ION: start, processor time at rest and at work, queries over a fleet.

`python -m bench.google_sandbox [--seconds 20]` prints one line each. Linux only (it reads /proc).
"""

import argparse
import asyncio
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc.aio
import redis
from google.cloud import monitoring_v3 as m

from demo.valkey import EmbeddedValkey, Kind

Align, Reduce = m.Aggregation.Aligner, m.Aggregation.Reducer
TICKS = 100.0  # a second, of /proc/*/stat
QUERIES = (
    ("request_count", ["resource.labels.service_name", "metric.labels.response_code_class"]),
    ("request_latencies", ["resource.labels.service_name"]),
    ("container/billable_instance_time", ["resource.labels.service_name"]),
    ("container/startup_latencies", ["resource.labels.service_name"]),
)


def start(*flags: str) -> tuple[subprocess.Popen[str], dict[str, str], float]:
    """The process, its ready line, and the seconds until it came."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "sandbox", *flags], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline()), time.perf_counter() - began


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait()


def used_seconds(process: subprocess.Popen[str]) -> float:
    """Processor time so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def share_of_a_core(process: subprocess.Popen[str], seconds: float) -> float:
    before = used_seconds(process)
    time.sleep(seconds)
    return (used_seconds(process) - before) / seconds


def state(ready: dict[str, str]) -> Any:
    with urllib.request.urlopen(f"{ready['control']}world/state") as answer:
        return json.load(answer)


async def fleet(
    process: subprocess.Popen[str], ready: dict[str, str], rounds: int
) -> list[tuple[str, float, float, int]]:
    """(metric, median ms, the sandbox's own processor ms, series) of grouped queries: an hour, slices of 5 minutes."""
    transport = m.MetricServiceAsyncClient.get_transport_class("grpc_asyncio")
    metrics = m.MetricServiceAsyncClient(transport=transport(channel=grpc.aio.insecure_channel(ready["gcp_endpoint"])))
    end = int(datetime.fromisoformat(state(ready)["now"]).timestamp() // 300 * 300) - 300
    found = []
    for metric, groups in QUERIES:
        times, count, used = [], 0, used_seconds(process)
        for _ in range(rounds):
            began = time.perf_counter()
            pager = await metrics.list_time_series(
                request={
                    "name": f"projects/{ready['project']}",
                    "filter": f'metric.type = "run.googleapis.com/{metric}"',
                    "interval": {"start_time": {"seconds": end - 3600}, "end_time": {"seconds": end}},
                    "aggregation": {
                        "alignment_period": {"seconds": 300},
                        "per_series_aligner": Align.ALIGN_DELTA,
                        "cross_series_reducer": Reduce.REDUCE_SUM,
                        "group_by_fields": groups,
                    },
                }
            )
            count = len([series async for series in pager])
            times.append((time.perf_counter() - began) * 1000)
        own = (used_seconds(process) - used) / rounds * 1000
        found.append((metric, statistics.median(times), own, count))
    return found


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.google_sandbox", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long processor time is measured")
    seconds = parser.parse_args().seconds
    process, ready, took = start("--no-ion")
    used, share = used_seconds(process), share_of_a_core(process, seconds)
    say(f"start without ION {took:.2f} s ({used:.2f} s of processor time), at rest {share:.1%} of a core")
    stop(process)
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder), Kind.CACHE) as cache:
        for scale in ("1", "60", "240"):
            with redis.Redis.from_url(cache.url) as client:
                client.flushall()  # another clock's lifetimes would be left over
            process, ready, took = start("--cache-url", cache.url, "--clock-scale", scale)
            used = used_seconds(process)
            share = share_of_a_core(process, seconds)
            rate = state(ready)["ion"]["hit_rate"]["30"]
            shown = "no closed minute yet" if rate is None else f"hit rate {rate:.1%}"
            say(f"start with ION {took:.2f} s ({used:.2f} s of processor time)")
            say(f"at clock scale {scale}: {share:.1%} of a core, {shown}")
            stop(process)
        for count in ("200", "500"):
            process, ready, took = start("--cache-url", cache.url, "--clock-scale", "60", "--fleet", count)
            for metric, milliseconds, own, series in asyncio.run(fleet(process, ready, 10)):
                say(
                    f"{count} services: {metric} {milliseconds:.0f} ms with the client, {own:.0f} ms of the sandbox's "
                    f"processor time, {series} series"
                )
            stop(process)


if __name__ == "__main__":
    main()
