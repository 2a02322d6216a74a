"""The calls of the trainer, but those about corrections, that its examples come from."""

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.support.api_examples.recorder import PNG, SNEAKER, UNKNOWN_RUN, Recorder
from tests.support.processes import Home, Server, call, wait_for
from training.store import runs, tags


@dataclass
class TrainerCalls:
    """A trainer on an empty folder, `home`."""

    recorder: Recorder
    url: str
    home: Home

    def read(self, url: str) -> None:
        """What a trainer with a model answers without changing anything."""
        run = requests.get(f"{url}/runs", timeout=30).json()["runs"][-1]["run_id"]

        def asked(method: str, path: str, *noted: str) -> None:
            answer = call(method, url, path)
            self.recorder.note("trainer", *noted)(answer)

        asked("GET", f"/runs/{run}/events", "list_events", "200", "some")
        asked("GET", f"/runs/{run}/events?after=soon", "list_events", "400", "after")
        asked("POST", f"/runs/{run}/cancel", "cancel_run", "409", "ended")
        answer = call("POST", url, "/runs", json={"resume": run})
        self.recorder.note("trainer", "start_run", "409", "done")(answer)
        asked("GET", f"/runs/{UNKNOWN_RUN}", "show_run", "404", "unknown")
        asked("GET", f"/runs/{UNKNOWN_RUN}/events", "list_events", "404", "unknown")
        asked("POST", f"/runs/{UNKNOWN_RUN}/cancel", "cancel_run", "404", "unknown")
        asked("GET", "/recipes", "list_recipes", "200", "all")
        asked("GET", "/models", "list_models", "200", "two")
        asked("GET", "/models/numbers", "list_numbers", "200", "all")
        asked("GET", "/models/1", "show_model", "200", "first")
        asked("GET", "/models/nowhere", "show_model", "404", "unknown")
        asked("GET", "/models?limit=0", "list_models", "400", "limit")
        asked("POST", "/models/nowhere/promote", "promote", "404", "unknown")
        asked("GET", "/models/nowhere/report", "show_report", "404", "unknown")
        asked("POST", f"/runs/{run}", "show_run", "405", "method")
        asked("POST", f"/runs/{run}/events", "list_events", "405", "method")
        asked("GET", f"/runs/{run}/cancel", "cancel_run", "405", "method")
        asked("POST", "/recipes", "list_recipes", "405", "method")
        asked("POST", "/models", "list_models", "405", "method")
        asked("POST", "/models/numbers", "list_numbers", "405", "method")
        asked("POST", "/models/nowhere", "show_model", "405", "method")
        asked("GET", "/models/nowhere/promote", "promote", "405", "method")
        asked("POST", "/models/nowhere/report", "show_report", "405", "method")
        for path, name in (
            ("livez", "alive"),
            ("healthz", "alive"),
            ("readyz", "ready"),
            ("metrics", "excerpt"),
        ):
            asked("GET", f"/{path}", path, "200", name)

    def run_and_cancel(self) -> None:
        def start(status: str, name: str, body: str) -> requests.Response:
            answer = call("POST", self.url, "/runs", data=body)
            self.recorder.note("trainer", "start_run", status, name)(answer)
            return answer

        start("400", "json", "three")
        start("400", "object", "[3]")
        start("400", "setting", '{"learning_rate": 0.1}')
        start("400", "recipe", '{"recipe": "slow"}')
        start("400", "epochs", '{"epochs": 0}')
        start("400", "seed", '{"seed": -1}')
        start("400", "resume", f'{{"resume": "{UNKNOWN_RUN}", "epochs": 3}}')
        start("400", "corrections", '{"corrections": "all"}')
        start("400", "without", '{"recipe": "finetune", "corrections": false}')
        start("409", "no_model", '{"recipe": "finetune"}')
        start("413", "bytes", " " * 100_001)
        run = start("201", "started", '{"recipe": "quick", "epochs": 1000}').json()["run_id"]
        start("409", "active", "")
        wait_for(
            lambda: requests.get(f"{self.url}/runs/{run}", timeout=5).json()["loss"],
            240,
            "a first step",
        )
        self.recorder.note("trainer", "show_run", "200", "running")(
            requests.get(f"{self.url}/runs/{run}", timeout=30)
        )
        self.recorder.note("trainer", "list_runs", "200", "two")(
            requests.get(f"{self.url}/runs", timeout=30)
        )
        self.recorder.note("trainer", "cancel_run", "202", "cancelled")(
            call("POST", self.url, f"/runs/{run}/cancel")
        )

    def promote_without_a_classifier(self, store: Path) -> None:
        shutil.copytree(store, self.home.path / "models")
        answer = call("POST", self.url, f"/models/{self.version()}/promote")
        self.recorder.note("trainer", "promote", "202", "no_classifier")(answer)
        for name in ("champion", "promotions.jsonl"):
            (self.home.path / name).unlink(missing_ok=True)

    def find_no_model(self, url: str) -> None:
        none = ("503", "no_model")
        self.recorder.note("classifier", "readyz", *none)(requests.get(f"{url}/readyz", timeout=30))
        self.recorder.note("classifier", "model", "200", "nothing")(
            requests.get(f"{url}/model", timeout=30)
        )
        answer = requests.post(f"{url}/classify", data=SNEAKER, headers=PNG, timeout=30)
        self.recorder.note("classifier", "classify", *none)(answer)
        answer = requests.post(f"{url}/classify_many", files={"images": SNEAKER}, timeout=30)
        self.recorder.note("classifier", "classify_many", *none)(answer)

    def promote(self, classifier: Server) -> None:
        first = self.version()

        def promoted(version: str, status: str, name: str, body: str = "") -> None:
            answer = call("POST", self.url, f"/models/{version}/promote", data=body)
            self.recorder.note("trainer", "promote", status, name)(answer)

        promoted(first, "400", "json", "because")
        promoted(first, "400", "object", "[]")
        promoted(first, "400", "field", '{"why": "It is good."}')
        promoted(first, "400", "reason", '{"reason": " "}')
        promoted(first, "413", "bytes", " " * 100_001)
        promoted(first, "200", "served", '{"reason": "It recognizes our bags."}')
        damaged, weights = self.copied(first, "damagedaaaaaaaaa")
        weights.write_bytes(weights.read_bytes()[:-1_000])
        promoted(damaged, "422", "broken")
        second, weights = self.copied(first, "secondaaaaaaaaaa")
        weights.with_name("report.json").unlink()
        self.find_no_report(second, "422", "missing")
        description = weights.with_name("model.yaml")
        kept = [it for it in description.read_text().splitlines() if "report.json:" not in it]
        description.write_text("\n".join(kept))  # its checksum: as if there had never been one
        self.find_no_report(second, "404", "none")
        os.killpg(classifier.process.pid, signal.SIGSTOP)  # so that it takes its time
        try:
            with ThreadPoolExecutor(1) as client:
                client.submit(promoted, second, "409", "overtaken")
                champion = self.home.path / "champion"
                wait_for(lambda: second in champion.read_text(), what="the promotion's begin")
                champion.write_text(f"{tags.MODEL_NAME}:{first}\n")
        finally:
            os.killpg(classifier.process.pid, signal.SIGCONT)

    def find_no_report(self, version: str, status: str, name: str) -> None:
        answer = requests.get(f"{self.url}/models/{version}/report", timeout=30)
        self.recorder.note("trainer", "show_report", status, name)(answer)

    def shadow(self) -> None:
        def asked(
            operation: str, status: str, name: str, method: str, **request: Any
        ) -> requests.Response:
            answer = call(method, self.url, "/shadow", **request)
            self.recorder.note("trainer", operation, status, name)(answer)
            return answer

        def refused(status: str, name: str, **request: Any) -> None:
            asked("set_shadow", status, name, "PUT", **request)

        asked("show_shadow", "200", "none", "GET")
        refused("400", "json", data=b"three")
        refused("400", "missing", json={})
        refused("400", "share", json={"version": "secondaaaaaaaaaa", "share": 2})
        refused("400", "setting", json={"version": "secondaaaaaaaaaa", "colour": "red"})
        refused("404", "unknown", json={"version": "nosuchversion"})
        refused("409", "champion", json={"version": self.champion()})
        asked("set_shadow", "200", "on", "PUT", json={"version": "secondaaaaaaaaaa"})
        asked("show_shadow", "200", "on", "GET")
        asked("show_shadow", "405", "method", "PATCH")
        call("DELETE", self.url, "/shadow")

    def compare(self) -> None:
        """A run whose version differs from the live one."""
        config = {"recipe": "quick", "epochs": 1, "seed": 1}
        path = f"/runs/{call('POST', self.url, '/runs', json=config).json()['run_id']}"

        def run() -> requests.Response:
            return requests.get(self.url + path, timeout=30)

        wait_for(lambda: run().json()["state"] not in runs.ACTIVE, 240, "the run's end")
        self.recorder.note("trainer", "show_run", "200", "succeeded")(run())
        version = run().json()["result"]["model"].partition(":")[2]
        answer = requests.get(f"{self.url}/models/{version}/report", timeout=30)
        self.recorder.note("trainer", "show_report", "200", "held_back")(answer)

    def champion(self) -> str:
        """The live version."""
        return (self.home.path / "champion").read_text().strip().partition(":")[2]

    def version(self) -> str:
        """The version that was copied into this stage's folder."""
        folder = self.home.path / "models" / tags.MODEL_NAME
        return next(entry.name for entry in folder.iterdir() if entry.is_dir())

    def copied(self, version: str, name: str) -> tuple[str, Path]:
        """Another version with the same content: its name and where its weights are."""
        folder = self.home.path / "models" / tags.MODEL_NAME
        shutil.copytree(folder / version, folder / name)
        description = folder / name / "model.yaml"
        description.write_text(description.read_text().replace(version, name))
        return name, folder / name / "weights.pt"
