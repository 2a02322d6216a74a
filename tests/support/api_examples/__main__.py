"""Captures the examples on services of its own, and writes them beside service/http/openapi.py."""

import json
import os
import tempfile
from pathlib import Path

from tests.support.api_examples.stage import capture_on_own_services, examples_path
from tests.support.processes import Home
from training.data import fashion_mnist


def main() -> None:
    """Train a first model, serve it, make every call, write the files."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WARDROBE_HOME"] = str(Path(folder) / "prepared")
        data = fashion_mnist.prepare()
        home, empty = Home(Path(folder) / "home"), Home(Path(folder) / "empty")
        for made in (home, empty):
            made.path.mkdir()
            (made.path / "data").symlink_to(data)
        recorder = capture_on_own_services(home, empty)
    for service in ("classifier", "trainer"):
        text = json.dumps(recorder.examples(service), indent=1, ensure_ascii=False)
        examples_path(service).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
