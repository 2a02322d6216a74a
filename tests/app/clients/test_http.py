"""Every way a service can fail becomes one message that a person can act on."""

import time
from typing import Any

import pytest

from app.clients.http import (
    Connection,
    InvalidResponse,
    NotReady,
    RequestRejected,
    ResponseModel,
    ServiceDown,
    ServiceError,
    ServiceTimeout,
)
from tests.support.scripted_server import ScriptedServer, json_answer


class Sizes(ResponseModel):
    sizes: tuple[int, ...] = ()


def fetch(url: str) -> Sizes:
    return Connection("The clerk", url).fetch(Sizes, "GET", "/x")


def test_json_becomes_a_model_and_unknown_keys_are_ignored(scripted: ScriptedServer) -> None:
    scripted.answer = lambda _: json_answer({"sizes": [1, 2], "new": True})
    connection = Connection("The clerk", scripted.url)
    assert connection.fetch(Sizes, "GET", "/x", params={"after": 3}) == Sizes(sizes=(1, 2))
    assert scripted.seen[0][:2] == ("GET", "/x?after=3")


@pytest.mark.parametrize("raw", [None, [], {"sizes": None}, {"sizes": ["large"]}])
def test_json_of_another_shape_is_an_invalid_response(scripted: ScriptedServer, raw: Any) -> None:
    scripted.answer = lambda _: json_answer(raw)
    with pytest.raises(InvalidResponse) as error:
        fetch(scripted.url)
    assert error.value.message == (
        "The clerk gave an answer this page does not understand. "
        f"Is another program running at {scripted.url}?"
    )


def test_nobody_there_is_down_and_names_the_address(nobody: str) -> None:
    with pytest.raises(ServiceDown) as down:
        fetch(nobody)
    assert down.value.message == f"The clerk does not answer at {nobody}. Is it running?"


def test_silence_is_slow_and_ends_in_time(scripted: ScriptedServer) -> None:
    def dawdle(_: object) -> tuple[int, str, bytes]:
        time.sleep(1.5)
        return json_answer({})

    scripted.answer = dawdle
    begun = time.monotonic()
    with pytest.raises(ServiceTimeout, match=r"no answer within 0\.3 seconds"):
        Connection("The clerk", scripted.url).send("POST", "/x", read_seconds=0.3)
    assert time.monotonic() - begun < 1.2


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, RequestRejected),
        (404, RequestRejected),
        (413, RequestRejected),
        (503, NotReady),
        (500, InvalidResponse),
    ],
)
def test_the_message_of_an_error_is_the_services_own(
    scripted: ScriptedServer, code: int, kind: type[ServiceError]
) -> None:
    scripted.answer = lambda _: json_answer({"error": "Send a smaller picture."}, code)
    with pytest.raises(kind) as error:
        fetch(scripted.url)
    assert error.value.message == "Send a smaller picture."


@pytest.mark.parametrize("body", [b"", b"<h1>Oops</h1>", b"[1]", b'{"error": null}'])
@pytest.mark.parametrize("code", [400, 500, 503])
def test_an_error_without_a_message_still_has_one(
    scripted: ScriptedServer, code: int, body: bytes
) -> None:
    scripted.answer = lambda _: (code, "text/html", body)
    with pytest.raises(ServiceError) as error:
        fetch(scripted.url)
    assert error.value.message.startswith("The clerk ")
    assert error.value.message.endswith(".")


def test_a_rejection_keeps_the_rest_of_the_response(scripted: ScriptedServer) -> None:
    scripted.answer = lambda _: json_answer({"error": "Busy.", "run_id": "r1"}, 409)
    with pytest.raises(RequestRejected) as rejected:
        fetch(scripted.url)
    assert (rejected.value.status, rejected.value.details["run_id"]) == (409, "r1")


def test_another_program_at_the_address_is_an_invalid_response(scripted: ScriptedServer) -> None:
    scripted.answer = lambda _: (200, "text/html", b"<h1>Welcome</h1>")
    with pytest.raises(InvalidResponse, match="another program"):
        fetch(scripted.url)


def test_a_connection_that_was_closed_meanwhile_is_opened_anew(scripted: ScriptedServer) -> None:
    scripted.hang_up_after_each = True
    connection = Connection("The clerk", scripted.url)
    for _ in range(20):
        assert connection.fetch(Sizes, "GET", "/x") == Sizes()


def test_a_server_that_leaves_may_hang_up_several_times(scripted: ScriptedServer) -> None:
    scripted.hang_ups_before_an_answer = 3
    connection = Connection("The clerk", scripted.url)
    assert connection.fetch(Sizes, "POST", "/x", json={"fine": 1}) == Sizes()
    assert {body for _, _, body in scripted.seen} == {b'{"fine": 1}'}


def test_a_server_that_only_hangs_up_is_down(scripted: ScriptedServer) -> None:
    scripted.hang_ups_before_an_answer = 1_000
    with pytest.raises(ServiceDown, match="Is it running"):
        fetch(scripted.url)
