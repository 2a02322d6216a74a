"""Who did it: records and audit log; and limits on what costs."""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests

from service.access import audit, tokens
from service.access.tokens import Role
from tests.support.processes import Bearer, Home, MakeHome, Server, page_token, wait_for
from tests.support.services.correction_calls import keep, new_picture, row

PNG = {"Content-Type": "image/png"}
FROM_ELSEWHERE = {"X-Forwarded-For": "203.0.113.7"}
ADA = {"Wardrobe-User": "Ada%20L%C3%B6velace"}


@pytest.fixture(scope="module")
def own(make_home: MakeHome, home: Home) -> Home:
    """A folder with a live version, and corrections of an older Wardrobe."""
    own = make_home()
    own.take_models_of(home)
    with closing(sqlite3.connect(own.path / "corrections.db")) as database:
        database.execute(
            "CREATE TABLE corrections (id INTEGER PRIMARY KEY AUTOINCREMENT, "
            "content_hash VARCHAR NOT NULL, label VARCHAR NOT NULL, predicted VARCHAR, "
            "model VARCHAR, source VARCHAR NOT NULL, created_at VARCHAR NOT NULL, "
            "state VARCHAR NOT NULL, reason VARCHAR, picture BLOB NOT NULL, "
            "UNIQUE (content_hash, label))"
        )
        picture = bytes(784)
        picture_hash = hashlib.sha256(picture).hexdigest()
        values = (7, picture_hash, "Bag", "api", "2026-11-24T08:00:00.000+00:00", "new", picture)
        database.execute(
            "INSERT INTO corrections (id, content_hash, label, source, created_at, state, picture) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        database.commit()
    return own


@pytest.fixture(scope="module")
def server(own: Home) -> Iterator[Server]:
    """A trainer with small limits."""
    server = own.serve("trainer", CORRECTIONS_PER_MINUTE="20", RUNS_PER_HOUR="2")
    yield server
    server.stop()


def program(own: Home, name: str, role: Role) -> Bearer:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(own.path))
        return Bearer(tokens.create(name, role, 1))


def audited(own: Home, path: str) -> list[dict[str, Any]]:
    """The lines about a path."""
    file = own.path / "audit.jsonl"
    lines = map(json.loads, file.read_text().splitlines() if file.exists() else ())
    return [line for line in lines if line["path"] == path]


def test_a_correction_keeps_who_named_its_class_and_the_old_ones_stay(
    own: Home, server: Server
) -> None:
    by_the_page = keep(server, new_picture())
    by_ada = server.post(
        "/corrections", files={"image": new_picture()}, data={"label": "Bag"}, headers=ADA
    ).json()["id"]
    ci = program(own, "ci", Role.TEACHER)
    requests.patch(
        f"{server.url}/corrections/{by_the_page}", json={"label": "Coat"}, auth=ci, timeout=30
    ).raise_for_status()

    assert row(server, 7)["actor"] is None
    assert row(server, by_ada)["actor"] == "Ada Lövelace"
    assert row(server, by_the_page)["actor"] == "ci"


def test_who_imports_is_the_actor_whatever_the_table_says(own: Home, server: Server) -> None:
    number = keep(server, new_picture())
    archive = requests.get(f"{server.url}/corrections/export", timeout=30).content
    server.call("DELETE", f"/corrections/{number}")
    server.post("/corrections/import", data=archive, headers=ADA).raise_for_status()

    assert row(server, number)["actor"] == "Ada Lövelace"
    wait_for(lambda: audited(own, f"/corrections/{number}"), what="the audit line")
    [line] = audited(own, f"/corrections/{number}")
    assert (line["method"], line["actor"], line["status"]) == ("DELETE", "local", 204)


def test_a_name_is_believed_beside_the_pages_token_only(own: Home, server: Server) -> None:
    script = program(own, "script", Role.OPERATOR)
    answer = requests.put(
        f"{server.url}/shadow", json={"version": "x"}, auth=script, headers=ADA, timeout=30
    )
    assert answer.status_code == 404
    wait_for(lambda: audited(own, "/shadow"), what="the audit line")

    assert audited(own, "/shadow")[-1]["actor"] == "script"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("%00%1b[2Jx", "[2Jx"), ("x" * 300, "x" * 200), ("%ff", "\ufffd"), ("%20", "local")],
)
def test_a_strange_name_does_no_harm(own: Home, server: Server, sent: str, kept: str) -> None:
    number = server.post(
        "/corrections",
        files={"image": new_picture()},
        data={"label": "Bag"},
        headers={"Wardrobe-User": sent},
    ).json()["id"]

    assert row(server, number)["actor"] == kept


def test_promotions_and_the_shadow_keep_who_did_it(own: Home, server: Server) -> None:
    live = server.get("/models")["champion"].partition(":")[2]
    store = own.path / "models" / "fashion_mnist_model"
    shutil.copytree(store / live, store / "secondaaaaaaaaaa")
    description = store / "secondaaaaaaaaaa" / "model.yaml"
    description.write_text(description.read_text().replace(live, "secondaaaaaaaaaa"))
    shadow = server.call("PUT", "/shadow", json={"version": "secondaaaaaaaaaa"}, headers=ADA)
    server.post("/models/secondaaaaaaaaaa/promote", headers=ADA).raise_for_status()
    [promoted] = [it for it in server.get("/models")["models"] if it["champion"]]

    assert shadow.json()["actor"] == "Ada Lövelace"
    assert promoted["promotions"][-1]["actor"] == "Ada Lövelace"


def test_runs_keep_who_started_them_and_are_limited(own: Home, server: Server) -> None:
    """Of somebody who is known; one person on this machine may start as many as there is time."""
    nightly = program(own, "nightly", Role.OPERATOR)

    def start() -> requests.Response:
        body = {"recipe": "quick", "epochs": 1}
        return requests.post(f"{server.url}/runs", json=body, auth=nightly, timeout=30)

    run_id = start().json()["run_id"]
    assert server.get(f"/runs/{run_id}")["actor"] == "nightly"
    assert start().status_code == 409
    third = start()
    server.post(f"/runs/{run_id}/cancel")

    assert third.status_code == 429
    assert 0 < int(third.headers["Retry-After"]) <= 2 * 3600
    assert "RUNS_PER_HOUR" in third.json()["error"]
    for _ in range(4):
        assert server.post("/runs", json={"recipe": "nothing"}).status_code == 400


def test_corrections_are_limited_for_each_caller(own: Home, server: Server) -> None:
    hasty, calm = (program(own, name, Role.TEACHER) for name in ("hasty", "calm"))

    def delete(who: Bearer | None) -> int:
        url = f"{server.url}/corrections/987654321"
        return requests.delete(url, auth=who, timeout=30).status_code

    found = [delete(hasty) for _ in range(25)]
    assert (found[:20], found[20:]) == ([404] * 20, [429] * 5)
    assert delete(calm) == 404
    assert [delete(Bearer(page_token(server.url))) for _ in range(25)] == [404] * 25


def test_refused_calls_are_audited_too(own: Home, server: Server) -> None:
    requests.post(f"{server.url}/models/audited/promote", timeout=30)
    foreign = {"Origin": "http://evil.example"}
    server.post("/models/audited/promote", headers=foreign)
    wait_for(lambda: len(audited(own, "/models/audited/promote")) == 2, what="two lines")

    first, second = audited(own, "/models/audited/promote")
    assert first == {
        "time": first["time"],
        "actor": None,
        "role": None,
        "address": "127.0.0.1",
        "method": "POST",
        "path": "/models/audited/promote",
        "status": 401,
    }
    assert second["status"] == 403


def test_the_audit_log_is_rotated(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("audit")
    monkeypatch.setenv("WARDROBE_HOME", str(folder))
    monkeypatch.setattr(audit, "LARGEST_FILE", 2_000)
    log = audit.AuditLog()
    for number in range(60):
        log.record(
            actor="x", role="viewer", address=None, method="POST", path=f"/{number}", status=200
        )
    log.close()
    files = {path.name: path.read_text().splitlines() for path in folder.glob("audit.jsonl*")}

    assert set(files) == {"audit.jsonl", "audit.jsonl.1"}
    assert all(len("\n".join(lines)) <= 2_000 for lines in files.values())
    assert json.loads(files["audit.jsonl"][-1])["path"] == "/59"


def test_a_flood_of_refused_calls_does_not_push_the_others_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path_factory.mktemp("audit")))
    log = audit.AuditLog()
    for number in range(1_000):
        log.record(actor=None, role=None, address="x", method="POST", path=f"/{number}", status=401)
    log.record(actor="a", role="operator", address="x", method="POST", path="/real", status=200)
    log.close()
    lines = audit.path().read_text().splitlines()

    assert audit.REFUSALS_PER_MINUTE < len(lines) <= 2 * audit.REFUSALS_PER_MINUTE + 1
    assert json.loads(lines[-1])["path"] == "/real"


def test_a_disk_that_fails_is_told_and_calls_go_on(own: Home, server: Server) -> None:
    kept = own.path / "audit.jsonl"
    kept.rename(own.path / "kept")
    kept.mkdir()
    try:
        assert server.call("DELETE", "/corrections/987654321").status_code == 404
        wait_for(lambda: "the audit log cannot be written" in server.log.read_text(), 10)
    finally:
        kept.rmdir()
        os.replace(own.path / "kept", kept)  # noqa: PTH105


def test_pictures_are_limited_but_not_for_programs_on_this_machine(
    own: Home, server: Server, picture_of: bytes
) -> None:
    classifier = own.serve("classifier", CLASSIFIER_WORKERS="1", PICTURES_PER_MINUTE="10")
    wait_for(lambda: requests.get(f"{classifier.url}/readyz", timeout=5).ok, what="a model")
    remote = program(own, "remote", Role.VIEWER)

    def classify(**request: Any) -> requests.Response:
        url = f"{classifier.url}/classify"
        return requests.post(url, data=picture_of, timeout=30, **{"headers": PNG, **request})

    try:
        assert {classify().status_code for _ in range(30)} == {200}
        by_the_page = Bearer(page_token(classifier.url, "viewer"))
        assert {classify(auth=by_the_page).status_code for _ in range(30)} == {200}
        files = [("images", picture_of)] * 8
        url = f"{classifier.url}/classify_many"
        assert requests.post(url, files=files, auth=remote, timeout=30).status_code == 200
        found = [classify(auth=remote) for _ in range(4)]
        assert [answer.status_code for answer in found] == [200, 200, 429, 429]
        assert 0 < int(found[-1].headers["Retry-After"]) <= 120
        assert classify(headers=PNG | FROM_ELSEWHERE).status_code == 401
    finally:
        classifier.stop()


def test_a_proxy_on_this_machine_can_ask_everybody_for_a_token(own: Home) -> None:
    strict = own.serve("classifier", CLASSIFIER_WORKERS="1", TOKENS_REQUIRED="1")
    try:
        for path, status in (("/livez", 200), ("/metrics", 200), ("/model", 401), ("/", 401)):
            assert requests.get(strict.url + path, timeout=30).status_code == status, path
        viewer = Bearer(page_token(strict.url, "viewer"))
        assert requests.get(f"{strict.url}/model", auth=viewer, timeout=30).status_code == 200
    finally:
        strict.stop()
