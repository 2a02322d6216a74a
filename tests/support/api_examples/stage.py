"""Plays every call, in an order that needs few servers."""

from pathlib import Path

from tests.support.api_examples.classes import ClassCalls
from tests.support.api_examples.classifier import ClassifierCalls
from tests.support.api_examples.corrections import CorrectionCalls
from tests.support.api_examples.recorder import Recorder
from tests.support.api_examples.refusals import Refusals
from tests.support.api_examples.trainer import TrainerCalls
from tests.support.processes import ROOT, Home, wait_for


def examples_path(service: str) -> Path:
    """The file with the examples of a service."""
    return ROOT / "service" / "http" / f"{service}.examples.json"


def capture_on_own_services(home: Home, empty: Home) -> Recorder:
    """Train a first model in `home`, serve it, and provoke every example. `empty` stays without.

    Both folders hold the data set and nothing else: what others do to a shared one would show.
    """
    trained = home.train("--recipe", "quick", "--epochs", "1")
    assert trained.returncode == 0, trained.stderr
    classifier = home.serve("classifier", CLASSIFIER_WORKERS="2")
    trainer = home.serve("trainer")
    try:
        wait_for(lambda: sum(classifier.get("/model")["serving"].values()) == 2)
        return _capture(classifier.url, trainer.url, home, empty)
    finally:
        trainer.stop()
        classifier.stop()


def _capture(classifier_url: str, trainer_url: str, home: Home, empty: Home) -> Recorder:
    """Provoke every example. Both services run on `home` and serve a model; `empty` has none yet.

    Starts two more services on `empty`, and stops them.
    """
    recorder = Recorder()
    ClassifierCalls(recorder, classifier_url).play()
    refusals = Refusals(recorder)
    refusals.of_the_classifier(classifier_url)
    trainer = empty.serve("trainer")
    calls = TrainerCalls(recorder, trainer.url, empty)
    corrections = CorrectionCalls(recorder, trainer.url, empty)
    try:
        calls.read(trainer_url)
        refusals.of_the_trainer(trainer.url)
        calls.run_and_cancel()
        calls.promote_without_a_classifier(home.path / "models")
        classifier = empty.serve("classifier", CLASSIFIER_WORKERS="1")
        try:
            calls.find_no_model(classifier.url)
            calls.promote(classifier)
            calls.shadow()
            corrections.find_no_store()
            corrections.find_no_corrections()
            corrections.correct()
            ClassCalls(recorder, trainer.url, empty).play()
            calls.compare()
        finally:
            classifier.stop()
    finally:
        trainer.stop()
    return recorder
