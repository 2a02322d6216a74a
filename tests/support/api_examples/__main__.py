"""Captures the examples on services of its own, and writes them beside service/http/openapi.py."""

import json
import os
import tempfile
from pathlib import Path

from tests.support.api_examples.stage import capture, examples_path
from tests.support.processes import Home, wait_for
from training.data import fashion_mnist


def main() -> None:
    """Train a first model, serve it, make every call, write the files."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared"
        os.environ["WARDROBE_HOME"] = str(prepared)
        data = fashion_mnist.prepare()
        home, empty = Home(Path(folder) / "home"), Home(Path(folder) / "empty")
        for made in (home, empty):
            made.path.mkdir()
            (made.path / "data").symlink_to(data)
        trained = home.train("--recipe", "quick", "--epochs", "1")
        assert trained.returncode == 0, trained.stderr
        classifier = home.serve("classifier", CLASSIFIER_WORKERS="2")
        trainer = home.serve("trainer")
        try:
            wait_for(lambda: sum(classifier.get("/model")["serving"].values()) == 2)
            recorder = capture(classifier.url, trainer.url, home, empty)
        finally:
            trainer.stop()
            classifier.stop()
    for service in ("classifier", "trainer"):
        text = json.dumps(recorder.examples(service), indent=1, ensure_ascii=False)
        examples_path(service).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
