"""The trainer: runs, versions and promotion, and the corrections that people make.

    bentoml serve service.trainer:Trainer --port 3002

The page at `/` describes its calls; they are in service/trainer_api/.
"""

import asyncio
import contextlib

import bentoml

import settings
from service.access.middleware import guard, make_page_tokens
from service.trainer_api.app import TIMEOUT_SECONDS, app
from service.trainer_api.run_metrics import RunMetrics
from service.trainer_api.run_supervisor import Supervisor
from service.trainer_api.runs import configuration
from service.trainer_api.schemas.runs import RunRequest
from training.recipes import FIRST_RECIPE
from training.store import runs, versions


@bentoml.service(
    name="trainer",
    workers=1,  # it owns the active run
    traffic={"timeout": TIMEOUT_SECONDS},
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
        if settings.get("TRAIN_FIRST_MODEL") == "1" and not versions.list_versions():
            with contextlib.suppress(runs.BusyError):  # somebody trains it by `make train`
                self.supervisor.run(configuration(RunRequest(recipe=FIRST_RECIPE)))

    @bentoml.on_shutdown
    def stop(self) -> None:
        """End the active run."""
        self.supervisor.stop()

    async def __metrics__(self, text: str) -> str:
        """BentoML's hook: add the metrics of the runs to a scrape, as Prometheus text."""
        return text + await asyncio.to_thread(self._metrics.text)


guard(Trainer)
