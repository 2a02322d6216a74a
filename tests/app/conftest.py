"""A scripted server, the page on real services, and pictures to send."""

import io
import os
import secrets
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from PIL import Image, ImageDraw

from tests.support.processes import HOMES, ROOT, answers, call, free_port, wait_for
from tests.support.scripted_server import ScriptedServer


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """Run a server whose answers a test scripts."""
    server = ScriptedServer()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture(autouse=True)
def tokens_of_the_services(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Let the page find the tokens of the services that a test uses, and no others."""
    used = {"classifier_url", "trainer_url"} & set(request.fixturenames)
    home = HOMES[request.getfixturevalue(used.pop())] if used else tmp_path
    monkeypatch.setenv("TOKENS_FILE", str(home / "tokens.json"))


@pytest.fixture
def nobody() -> str:
    """An address at which nothing listens."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def trousers() -> bytes:
    """A PNG with blue trousers on a light ground, as somebody might upload."""
    picture = Image.new("RGB", (320, 400), "#f4f1ea")
    legs = [(90, 20), (230, 20), (250, 380), (180, 380), (160, 120), (140, 380), (70, 380)]
    ImageDraw.Draw(picture).polygon(legs, fill="#274b8a")
    png = io.BytesIO()
    picture.save(png, "PNG")
    return png.getvalue()


@pytest.fixture
def unknown_dds() -> bytes:
    """A DDS file of a format that Pillow does not know: it raises NotImplementedError."""
    file = io.BytesIO()
    Image.new("RGBA", (8, 8)).save(file, "DDS")
    kind = (4).to_bytes(4, "little") + b"DX10" + bytes(40) + (93).to_bytes(4, "little")
    return file.getvalue()[:80] + kind + bytes(300)


DISAGREEMENT = "Version a says Coat, version b says Dress."


@pytest.fixture
def some_corrections(trainer_url: str) -> list[int]:
    """Import at least one correction in each state; return their ids.

    The id of the disagreement is not among them.
    """
    table = f'5.png,Coat,Coat,shadow,review_requested,"{DISAGREEMENT}"\n'
    table += "1.png,Bag,Shirt,pad,new,\n2.png,Coat,Coat,upload,accepted,\n"
    table += "3.png,Bag,Shirt,api,quarantined,It looks like Shirt.\n4.png,Bag,,pad,new,\n"
    table += "4.png,Shirt,Bag,pad,new,\n"
    return _imported(trainer_url, table)[-5:]


@pytest.fixture
def a_disagreement(trainer_url: str) -> Iterator[int]:
    """The id of a picture on which two versions disagree, in the same store."""
    [number] = _imported(trainer_url, f'1.png,Coat,Coat,shadow,review_requested,"{DISAGREEMENT}"\n')
    yield number
    call("DELETE", trainer_url, f"/corrections/{number}")


@pytest.fixture
def an_own_class(trainer_url: str) -> Iterator[str]:
    """The name of a class that a person added, in the same store."""
    name = f"Hat {secrets.token_hex(4)}"
    assert call("POST", trainer_url, "/classes", json={"name": name}).status_code == 201
    yield name
    call("DELETE", trainer_url, f"/classes/{name}")


def _imported(trainer_url: str, table: str) -> list[int]:
    """Import rows, with pictures of noise named 1.png and so on: their ids, in order."""
    count = table.count("\n")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for number in range(1, count + 1):
            picture = Image.frombytes("L", (28, 28), secrets.token_bytes(784))
            with files.open(f"{number}.png", "w") as file:
                picture.save(file, "PNG")
        files.writestr("corrections.csv", f"file,label,predicted,source,state,reason\n{table}")
    url = f"{trainer_url}/corrections"
    response = call("POST", trainer_url, "/corrections/import", data=archive.getvalue())
    assert response.json() == {
        "added": count,
        "known": 0,
        "refused": 0,
        "problems": [],
        "classes": [],
    }
    newest = requests.get(url, params={"limit": count}, timeout=10).json()["corrections"]
    return sorted(one["id"] for one in newest)


@pytest.fixture(scope="session")
def app_url(
    classifier_url: str, trainer_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The app as `make run` starts it, on the session's services."""
    with page_beside(classifier_url, trainer_url, tmp_path_factory.mktemp("app")) as url:
        yield url


@pytest.fixture
def app_beside(scripted: ScriptedServer, tmp_path: Path) -> Iterator[str]:
    """The app on scripted services, for states in which real ones seldom are."""
    with page_beside(scripted.url, scripted.url, tmp_path, scripted.url) as url:
        yield url


@contextmanager
def page_beside(
    classifier_url: str,
    trainer_url: str,
    folder: Path,
    prometheus_url: str | None = None,
    *,
    port: int | None = None,
    **settings: str,
) -> Iterator[str]:
    """Run the app with its log in `folder`; no page may raise. `settings` are of its log-in."""
    port = port or free_port()
    environment = {
        **os.environ,
        "APP_PORT": str(port),
        "CLASSIFIER_URL": classifier_url,
        "TRAINER_URL": trainer_url,
        "TOKENS_FILE": str(HOMES.get(trainer_url, folder) / "tokens.json"),
        "PROMETHEUS_URL": prometheus_url or f"http://127.0.0.1:{free_port()}",
        **settings,
    }
    log = folder / f"log{time.monotonic_ns()}"
    command = [sys.executable, "-m", "streamlit", "run", "app/server.py"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    command += ["--server.headless", "true"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(f"{url}/_stcore/health"), 60, "the page")
        yield url
    finally:
        process.terminate()
        process.wait(10)
    # Streamlit logs this when a page raises. Other tracebacks come from visitors who leave early.
    assert "Uncaught app execution" not in log.read_text()
