"""A model moves from one machine to another: as a file, and through a server that speaks S3."""

import filecmp
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.compose_stack import answers
from tests.support.processes import Home, free_port, wait_for

BUCKET = "import boto3; boto3.client('s3').create_bucket(Bucket='models')"


@dataclass(frozen=True)
class Tools:
    """A virtual environment with BentoML, s3fs and moto's server, which answers at `url`."""

    programs: Path
    url: str

    def run(self, *command: str, home: Path) -> None:
        """Run one of its programs on the model store in `home`. Fails the test if that fails."""
        environment = {
            **os.environ,
            "BENTOML_HOME": str(home),
            "BENTOML_DO_NOT_TRACK": "True",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        ran = subprocess.run(
            [str(self.programs / command[0]), *command[1:]],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tools]:
    folder = tmp_path_factory.mktemp("s3")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    wanted = Path(__file__).with_name("s3.txt")
    subprocess.run(
        [str(folder / "bin" / "pip"), "install", "--quiet", "--requirement", str(wanted)],
        check=True,
    )
    tools = Tools(folder / "bin", f"http://127.0.0.1:{free_port()}")
    port = tools.url.rpartition(":")[2]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(tools.programs / "moto_server"), "-H", "127.0.0.1", "-p", port],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: answers(f"{tools.url}/moto-api/"), 30, "the S3 server")
        tools.run("python", "-c", BUCKET, home=folder)
        yield tools
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.parametrize("way", ["file", "s3"])
def test_a_model_arrives_as_it_was(tools: Tools, home: Home, tmp_path: Path, way: str) -> None:
    tag = (home.path / "champion").read_text().strip()
    places = {"file": f"{tmp_path}/w.bentomodel", "s3": "s3://models/w.bentomodel"}
    other = tmp_path / "other"
    other.mkdir()
    tools.run("bentoml", "models", "export", tag, places[way], home=home.path)
    tools.run("bentoml", "models", "import", places[way], home=other)
    name, _, version = tag.partition(":")
    for file in ("weights.pt", "model.yaml"):
        sent, arrived = (it / "models" / name / version / file for it in (home.path, other))
        assert filecmp.cmp(sent, arrived, shallow=False), file
