"""google.cloud.scheduler.v1.CloudScheduler: jobs are kept and given back; none is run."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from google.cloud.scheduler_v1 import CloudSchedulerAsyncClient
from google.protobuf.empty_pb2 import Empty

from sandbox.google.masks import copy_masked
from sandbox.google.paging import page
from sandbox.google.refusal import already_exists, failed_precondition, invalid_argument, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn
from sandbox.google.times import put

MAX_DESCRIPTION = 500
_NAME = re.compile(r"projects/[^/]+/locations/[a-z0-9-]+/jobs/[A-Za-z0-9_-]{1,500}")
_CRON = re.compile(r"(\S+ ){4}\S+|every .+")
_ENABLED, _PAUSED = 1, 2
_MUTABLE = ("description", "http_target", "pubsub_target", "schedule", "time_zone", "retry_config", "attempt_deadline")


class Scheduler:
    """The jobs of every location."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._jobs: dict[str, Any] = {}
        self.rpcs: Mapping[str, Rpc] = learn(CloudSchedulerAsyncClient.get_transport_class("grpc_asyncio"))
        self.methods: Mapping[str, Method] = {
            "ListJobs": self.list,
            "GetJob": lambda request: self._named(request.name),
            "CreateJob": self.create,
            "UpdateJob": self.update,
            "DeleteJob": self.delete,
            "PauseJob": lambda request: self._turn(request.name, _ENABLED, _PAUSED),
            "ResumeJob": lambda request: self._turn(request.name, _PAUSED, _ENABLED),
        }

    def _named(self, name: str) -> Any:
        found = self._jobs.get(name)
        if found is None:
            raise not_found("Job not found.")
        return found

    def list(self, request: Any) -> Any:
        jobs = [job for job in self._jobs.values() if job.name.startswith(f"{request.parent}/jobs/")]
        shown, token = page(jobs, request.page_size, request.page_token, request.parent.encode(), 500)
        response = self.rpcs["ListJobs"].response(next_page_token=token)
        response.jobs.extend(shown)
        return response

    def create(self, request: Any) -> Any:
        job = type(request.job)()
        job.CopyFrom(request.job)
        if not _NAME.fullmatch(job.name) or not job.name.startswith(f"{request.parent}/jobs/"):
            raise invalid_argument(f'Job name must be formatted: "{request.parent}/jobs/<JOB_ID>".')
        if job.name in self._jobs:
            raise already_exists(f"Job {job.name} already exists.")
        job.state = _ENABLED
        return self._keep(job)

    def update(self, request: Any) -> Any:
        current = self._named(request.job.name)
        wanted = type(current)()
        wanted.CopyFrom(current)
        copy_masked(request.job, wanted, list(request.update_mask.paths) or _MUTABLE)
        return self._keep(wanted)

    def delete(self, request: Any) -> Empty:
        self._named(request.name)
        del self._jobs[request.name]
        return Empty()

    def _turn(self, name: str, before: int, after: int) -> Any:
        job = self._named(name)
        if job.state != before:
            raise failed_precondition(f"Job {name} is not {'ENABLED' if before == _ENABLED else 'PAUSED'}.")
        job.state = after
        return job

    def _keep(self, job: Any) -> Any:
        self._check(job)
        put(job.user_update_time, self._now())
        if job.HasField("http_target"):
            job.http_target.headers["User-Agent"] = "Google-Cloud-Scheduler"
        self._jobs[job.name] = job
        return job

    def _check(self, job: Any) -> None:
        if job.WhichOneof("target") is None:
            raise invalid_argument("Job target must be set.")
        if job.HasField("http_target") and not _is_address(job.http_target.uri):
            raise invalid_argument(f"HttpTarget.uri '{job.http_target.uri}' must be an http(s) URL.")
        if not _CRON.fullmatch(job.schedule):
            raise invalid_argument(f"Schedule '{job.schedule}' is invalid: five fields of unix-cron.")
        try:
            ZoneInfo(job.time_zone or "Etc/UTC")
        except (KeyError, ValueError):
            raise invalid_argument(f"Time zone '{job.time_zone}' is invalid.") from None
        if len(job.description) > MAX_DESCRIPTION:
            raise invalid_argument(f"Description must be at most {MAX_DESCRIPTION} characters.")


def _is_address(text: str) -> bool:
    url = urlsplit(text)
    return url.scheme in ("http", "https") and bool(url.hostname)
