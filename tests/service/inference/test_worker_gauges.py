"""The gauges of a scrape: the living workers, their shadow versions, and the baseline."""

import asyncio
import fcntl
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.classifier import Classifier
from service.inference import worker_gauges, workers
from training.model.baseline import BRIGHTNESS_RANGES
from training.model.networks import Network
from training.store.versions import Model

TAG = "fashion_mnist_model:one"
CLASS_NAMES = ("T-shirt/top", "Bag")


def with_metadata(**metadata: object) -> Model:
    return Model(TAG, Network(), CLASS_NAMES, metadata)


MEASURED = with_metadata(
    baseline={
        "predictions": {"T-shirt/top": 0.25, "Bag": 0.75},
        "brightness": dict.fromkeys(BRIGHTNESS_RANGES, 0.1),
    }
)


@pytest.fixture
def registration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> workers.Registration:
    """This process's entry, alone in an empty WARDROBE_HOME."""
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    return workers.Registration()


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        assert (family.type, bool(family.documentation)) == ("gauge", True)
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def test_workers_are_counted_by_version(registration: workers.Registration) -> None:
    assert list(samples(worker_gauges.collect(None))) == []
    registration.report(TAG)
    registration.report_shadow("fashion_mnist_model:two")
    assert list(samples(worker_gauges.collect(None))) == [
        ("wardrobe_model_loaded", {"model": TAG}, 1),
        ("wardrobe_shadow_workers", {"model": "fashion_mnist_model:two"}, 1),
    ]
    registration.report_shadow(None)
    assert [name for name, _, _ in samples(worker_gauges.collect(None))] == [
        "wardrobe_model_loaded"
    ]


def test_dead_workers_and_those_of_other_hosts_are_not_counted(
    registration: workers.Registration, tmp_path: Path
) -> None:
    registration.report(TAG)
    for name in (f"{registration.name}0", "another-host-1"):
        (tmp_path / "serving" / f"{name}.lock").touch()
        entry = json.dumps(asdict(workers.Worker(name, TAG)))
        (tmp_path / "serving" / f"{name}.json").write_text(entry)
    with (tmp_path / "serving" / "another-host-1.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # alive, but in another container
        [(_, _, count)] = samples(worker_gauges.collect(None))
    assert count == 1


def test_the_baseline_has_a_share_of_each_class_and_each_range(
    registration: workers.Registration,
) -> None:
    assert list(samples(worker_gauges.collect(MEASURED))) == [
        *(
            ("wardrobe_baseline_predictions", {"label": label, "model": TAG}, share)
            for label, share in (("T-shirt/top", 0.25), ("Bag", 0.75))
        ),
        *(("wardrobe_baseline_brightness", {"range": it}, 0.1) for it in BRIGHTNESS_RANGES),
    ]


def test_a_version_without_a_baseline_has_no_such_gauges(
    registration: workers.Registration,
) -> None:
    assert "baseline" not in worker_gauges.collect(with_metadata())


def test_a_scrape_reads_the_registry_once_and_outside_the_event_loop(
    registration: workers.Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    registration.report(TAG)
    threads: list[threading.Thread] = []
    list_alive = workers.list_alive

    def list_and_record() -> list[workers.Worker]:
        threads.append(threading.current_thread())
        return list_alive()

    monkeypatch.setattr(workers, "list_alive", list_and_record)

    async def scrape() -> tuple[str, threading.Thread]:
        service = SimpleNamespace(champion=SimpleNamespace(model=None))
        text = await Classifier.inner.__metrics__(service, "# BentoML's\n")  # type: ignore[attr-defined]
        return text, threading.current_thread()

    with ThreadPoolExecutor(1) as pool:  # Playwright's event loop runs in this thread
        text, of_loop = pool.submit(asyncio.run, scrape()).result()
    assert text.startswith("# BentoML's\n# HELP wardrobe_model_loaded ")
    assert len(threads) == 1
    assert threads[0] is not of_loop
