"""Corrections survive power cuts, damaged stores and large exports."""

import base64
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests
from PIL import Image

from tests.support.processes import Home, MakeHome, Server, wait_for
from tests.support.services.correction_calls import call, keep, new_picture, row, send
from training.store import corrections, versions


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_a_damaged_store_is_said_and_a_new_one_used(
    make_home: MakeHome, home: Home, content: bytes
) -> None:
    own = make_home()
    own.take_models_of(home)
    (own.path / "corrections.db").write_bytes(content)
    server = own.serve("trainer")
    [problem] = server.get("/problems")["problems"]
    assert "corrections.db was damaged" in problem["error"]
    assert "corrections.db was damaged" in server.log.read_text()
    assert send(server, new_picture()).status_code == 201
    assert server.get("/corrections")["counts"]["new"] == 1
    server.stop()


def test_a_store_that_cannot_be_opened_is_said_and_runs_go_on(
    make_home: MakeHome, home: Home
) -> None:
    own = make_home()
    own.take_models_of(home)
    (own.path / "corrections.db").symlink_to("/no-such-folder/corrections.db")
    server = own.serve("trainer")
    for answer in (
        send(server, new_picture()),
        call(server, "GET", "/corrections"),
        call(server, "GET", "/corrections/export"),
    ):
        assert answer.status_code == 503
        assert "corrections.db" in answer.json()["error"]
    assert server.get("/runs") == {"runs": []}
    server.stop()


def test_every_acknowledged_correction_survives_a_power_cut(
    make_home: MakeHome, home: Home
) -> None:
    own = make_home()
    own.take_models_of(home)
    acknowledged: dict[int, bytes] = {}

    def keep_on(server: Server) -> None:
        while True:
            picture = new_picture()
            try:
                number = send(server, picture).json()["id"]
            except requests.RequestException:
                return
            acknowledged[number] = picture

    for cut in range(3):
        server = own.serve("trainer")
        with ThreadPoolExecutor(4) as clients:
            for _ in range(4):
                clients.submit(keep_on, server)
            enough = 20 * (cut + 1)
            wait_for(lambda enough=enough: len(acknowledged) > enough, what="corrections")  # type: ignore[misc]
            server.kill()
    server = own.serve("trainer")
    found = {it["id"]: it for it in server.get("/corrections?limit=500")["corrections"]}
    after = min(found)
    while page := server.get(f"/corrections?limit=500&after={after}")["corrections"]:
        found |= {it["id"]: it for it in page}
        after = min(found)
    for number, picture in acknowledged.items():
        there = Image.open(io.BytesIO(base64.b64decode(found[number]["png"])))
        assert (np.asarray(there) == np.asarray(Image.open(io.BytesIO(picture)))).all()
    server.stop()


def test_ten_thousand_are_paged_and_exported_while_others_are_kept(
    make_home: MakeHome, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = make_home()
    own.take_models_of(home)
    monkeypatch.setenv("WARDROBE_HOME", str(own.path))
    [version] = {it.tag for it in versions.list_versions() if it.tag == versions.champion()}
    rng = np.random.default_rng(0)
    contents = [rng.integers(0, 256, 784, np.uint8).tobytes() for _ in range(10_000)]
    corrections.restore(
        corrections.Correction(
            id=0,
            content_hash=corrections.content_hash(content),
            label="Bag" if number % 2 else "Coat",
            predicted=None,
            model=version,
            source="api",
            created_at="2026-11-24T08:00:00.000+00:00",
            state="new",
            reason=None,
            picture=content,
        )
        for number, content in enumerate(contents)
    )
    server = own.serve("trainer")
    page = server.get("/corrections?limit=50&label=Bag&after=5000")
    assert len(page["corrections"]) == 50
    assert page["counts"]["new"] == 5_000
    with requests.get(f"{server.url}/corrections/export", stream=True, timeout=30) as export:
        pieces = export.iter_content(1_000)
        archive = next(pieces)
        number = keep(server, new_picture())  # nobody waits for a client that reads slowly
        archive += b"".join(pieces)
    with zipfile.ZipFile(io.BytesIO(archive)) as unpacked:
        assert len(unpacked.namelist()) - 1 >= 10_000
        assert unpacked.testzip() is None
    assert row(server, number)["label"] == "Bag"
    server.stop()
