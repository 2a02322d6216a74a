"""Every way a service can fail becomes one sentence that a person can act on."""

import time

import pytest

from app.clients.http import (
    BadAnswer,
    Connection,
    NotReady,
    Refused,
    ServiceDown,
    ServiceError,
    ServiceSlow,
)
from tests.support.scripted_server import ScriptedServer, json_answer


def test_an_answer_is_its_json(scripted: ScriptedServer) -> None:
    scripted.answer = lambda _: json_answer({"fine": [1, 2]})
    assert Connection("The clerk", scripted.url).get("/x", after=3) == {"fine": [1, 2]}
    assert scripted.seen[0][:2] == ("GET", "/x?after=3")


def test_nobody_there_is_down_and_names_the_address(nobody: str) -> None:
    with pytest.raises(ServiceDown) as down:
        Connection("The clerk", nobody).get("/x")
    assert down.value.message == f"The clerk does not answer at {nobody}. Is it running?"


def test_silence_is_slow_and_ends_in_time(scripted: ScriptedServer) -> None:
    def dawdle(_: object) -> tuple[int, str, bytes]:
        time.sleep(1.5)
        return json_answer({})

    scripted.answer = dawdle
    begun = time.monotonic()
    with pytest.raises(ServiceSlow, match=r"no answer within 0\.3 seconds"):
        Connection("The clerk", scripted.url).post("/x", read_seconds=0.3)
    assert time.monotonic() - begun < 1.2


@pytest.mark.parametrize(
    ("code", "kind"),
    [(400, Refused), (404, Refused), (413, Refused), (503, NotReady), (500, BadAnswer)],
)
def test_the_sentence_of_an_error_is_the_services_own(
    scripted: ScriptedServer, code: int, kind: type[ServiceError]
) -> None:
    scripted.answer = lambda _: json_answer({"error": "Send a smaller picture."}, code)
    with pytest.raises(kind) as refused:
        Connection("The clerk", scripted.url).get("/x")
    assert refused.value.message == "Send a smaller picture."


@pytest.mark.parametrize("body", [b"", b"<h1>Oops</h1>", b"[1]", b'{"error": null}'])
@pytest.mark.parametrize("code", [400, 500, 503])
def test_an_error_without_a_sentence_still_has_one(
    scripted: ScriptedServer, code: int, body: bytes
) -> None:
    scripted.answer = lambda _: (code, "text/html", body)
    with pytest.raises(ServiceError) as error:
        Connection("The clerk", scripted.url).get("/x")
    assert error.value.message.startswith("The clerk ")
    assert error.value.message.endswith(".")


def test_a_refusal_keeps_what_else_the_service_said(scripted: ScriptedServer) -> None:
    scripted.answer = lambda _: json_answer({"error": "Busy.", "run_id": "r1"}, 409)
    with pytest.raises(Refused) as refused:
        Connection("The clerk", scripted.url).post("/x")
    assert (refused.value.status, refused.value.details["run_id"]) == (409, "r1")


def test_another_program_at_the_address_is_a_bad_answer(scripted: ScriptedServer) -> None:
    scripted.answer = lambda _: (200, "text/html", b"<h1>Welcome</h1>")
    with pytest.raises(BadAnswer, match="another program"):
        Connection("The clerk", scripted.url).get("/x")


def test_a_connection_that_was_closed_meanwhile_is_opened_anew(scripted: ScriptedServer) -> None:
    scripted.hang_up_after_each = True
    connection = Connection("The clerk", scripted.url)
    for _ in range(20):
        assert connection.get("/x") == {}


def test_a_server_that_leaves_may_hang_up_several_times(scripted: ScriptedServer) -> None:
    scripted.hang_ups_before_an_answer = 3
    assert Connection("The clerk", scripted.url).post("/x", json={"fine": 1}) == {}
    assert {body for _, _, body in scripted.seen} == {b'{"fine": 1}'}


def test_a_server_that_only_hangs_up_is_down(scripted: ScriptedServer) -> None:
    scripted.hang_ups_before_an_answer = 1_000
    with pytest.raises(ServiceDown, match="Is it running"):
        Connection("The clerk", scripted.url).get("/x")
