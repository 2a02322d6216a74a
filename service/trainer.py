"""The trainer: runs, versions and promotion, and the corrections that people make.

    bentoml serve service.trainer:Trainer --port 3002

The page at `/` describes its calls; they are in service/trainer_api/.
"""

import asyncio
import logging

import bentoml

from service.access.middleware import guard, make_page_tokens
from service.http.endpoints import Endpoints, OnlyEndpoints
from service.http.middleware import add_middleware
from service.http.uvicorn_patches import patch_uvicorn, restart_workers_soon
from service.metrics.scrapes import OneScrape
from service.trainer_api.app import ROUTES, TIMEOUT_SECONDS, app
from service.trainer_api.run_metrics import RunMetrics
from service.trainer_api.supervision import first_start
from service.trainer_api.supervision.supervisor import Supervisor
from training.store import corrections, files, runs

_log = logging.getLogger(__name__)


@bentoml.service(
    name="trainer",
    workers=1,  # it owns the active run
    traffic={"timeout": TIMEOUT_SECONDS},
    # Nobody collects traces, and BentoML's timer of each request would keep its trace in memory.
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
)
@bentoml.asgi_app(app)
class Trainer:
    """Owns the training runs. It trains in a process of their own, never in this one."""

    def __init__(self) -> None:
        self.supervisor = Supervisor()
        self._metrics = RunMetrics()

    @bentoml.on_startup
    def take_over(self) -> None:
        """Account for the runs of an earlier trainer; train the first model if so set."""
        make_page_tokens()
        self.supervisor.start()
        try:
            corrections.counts()  # a damaged store is replaced and reported now, not later
        except corrections.StoreUnavailable as error:
            _log.error("%s", error)
        first = first_start.first_run()
        if first is not None:
            try:
                self.supervisor.run(first, first_start.ACTOR)
            except runs.BusyError:
                pass  # somebody trains it by `make train`
            except OSError as error:
                _log.error("cannot train the first model: %s", files.error_reason(error))

    @bentoml.on_shutdown
    def stop(self) -> None:
        """End the active run."""
        self.supervisor.stop()

    async def __metrics__(self, text: str) -> str:
        """BentoML's hook: add the metrics of the runs to a scrape, as Prometheus text."""
        return text + await asyncio.to_thread(self._metrics.text)


_endpoints = Endpoints(ROUTES)
add_middleware(Trainer, OnlyEndpoints, endpoints=_endpoints)
guard(Trainer)
add_middleware(Trainer, OneScrape)
patch_uvicorn("trainer", _endpoints)
restart_workers_soon()
