"""Every call of both services, sent by everybody: the answers are those of docs/security.md."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from service.access import policy, tokens
from service.access.tokens import Role
from tests.support.documentation import table
from tests.support.processes import ROOT, Home, Server, page_token

REFUSED = {401, 403, 421}
FROM_ELSEWHERE = {"X-Forwarded-For": "203.0.113.7"}
"""uvicorn believes a proxy on this machine: so the request comes from another one."""

PNG = {"Content-Type": "image/png"}
NOTHING = {
    "run_id": "20261123-000000-000-0000",
    "version": "nowhere",
    "id": "987654321",
    "name": "No/such",
}
"""Nothing has these names, so that what is let through changes nothing."""

BODIES: dict[str, dict[str, Any]] = {
    "POST /classify": {"data": b"", "headers": PNG},
    "POST /classify_many": {"data": b"", "headers": PNG},
    "POST /explain": {"data": b"", "headers": PNG},
    "POST /preview": {"data": b"", "headers": PNG},
    "POST /runs": {"json": {"recipe": "no such recipe"}},
    "PUT /shadow": {"json": {"version": "nowhere"}},
    "POST /corrections": {"files": {"nothing": b""}},
    "POST /corrections/import": {"data": b"", "headers": {"Content-Type": "application/zip"}},
    "PATCH /corrections/{id}": {"json": {"state": "accepted"}},
    "POST /classes": {"json": {"name": "Bag"}},
    "POST /classes/undo": {"json": {"change": 987654321}},
    "PATCH /classes/{name}": {"json": {"name": "Hat"}},
}
"""What goes with a call, and is refused by the call itself, with another status."""

WRITTEN = {call: (role, without) for call, role, without in table("docs/security.md", "Calls")}
"""What docs/security.md says: the role and who needs no token, by call."""


@dataclass(frozen=True)
class Sender:
    """Somebody who sends a request, and what docs/security.md says that becomes of it."""

    name: str
    headers: dict[str, str]
    role: Role | None = None
    refused: int | None = None
    from_elsewhere: bool = False

    def expected(self, call: str) -> int | None:
        """The status with which the call is refused, None if it is not."""
        if self.refused is not None:
            return self.refused
        role, without_token = WRITTEN[call]
        if self.role is not None:
            return None if self.role >= Role.of(role) else 403
        open_to = ["from everywhere"] + ["from this machine"] * (not self.from_elsewhere)
        return None if without_token in open_to else 401


@dataclass
class Table:
    """The answers, by call and sender."""

    senders: list[Sender]
    rows: dict[str, list[int]] = field(default_factory=dict)

    def markdown(self) -> str:
        """The same as a page."""
        lines = ["| call | " + " | ".join(sender.name for sender in self.senders) + " |"]
        lines += ["|---" * (len(self.senders) + 1) + "|"]
        for call, statuses in self.rows.items():
            cells = [str(it) if it in REFUSED else f"yes ({it})" for it in statuses]
            lines.append(f"| `{call}` | " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def senders(home: Home, trainer: Server) -> list[Sender]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(home.path))
        of_programs = {role: tokens.create(f"program-{role.word}", role, 1) for role in Role}
        ended, withdrawn = (tokens.create(name, Role.OPERATOR, 1) for name in ("old", "gone"))
        tokens.revoke("gone")
        entries = json.loads(tokens.program_tokens_path().read_text())
        for entry in entries:
            if entry["name"] == "old":
                entry["ends_at"] = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
        tokens.program_tokens_path().write_text(json.dumps(entries))
    operator = bearer(page_token(trainer.url))
    foreign_site = operator | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    same_site = operator | {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}
    return [
        Sender("no token", {}),
        Sender("no token, from elsewhere", FROM_ELSEWHERE, from_elsewhere=True),
        Sender("wrong token", bearer("x" * 43), refused=401),
        Sender("ended", bearer(ended), refused=401),
        Sender("withdrawn", bearer(withdrawn), refused=401),
        Sender("no bearer", {"Authorization": "Basic YTpi"}, refused=401),
        *(Sender(r.word, bearer(page_token(trainer.url, r.word)), r) for r in Role),
        *(Sender(f"{r.word}'s program", bearer(of_programs[r]), r) for r in Role),
        Sender(
            "viewer, from elsewhere", bearer(of_programs[Role.VIEWER]) | FROM_ELSEWHERE, Role(1)
        ),
        Sender("foreign Origin", operator | {"Origin": "http://evil.example"}, refused=403),
        Sender("Origin null", operator | {"Origin": "null"}, refused=403),
        Sender("another port's Origin", operator | {"Origin": "http://127.0.0.1:1"}, refused=403),
        Sender("cross-site", foreign_site, refused=403),
        Sender("same-site", same_site, refused=403),
        Sender("foreign Host", operator | {"Host": "evil.example"}, refused=421),
        Sender(
            "Host with our name in it", operator | {"Host": "localhost.evil.example"}, refused=421
        ),
    ]


def calls_of(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Method and path of each call."""
    for path, methods in document["paths"].items():
        yield from ((method.upper(), path) for method in methods)


def send(url: str, method: str, path: str, sender: Sender) -> requests.Response:
    request = dict(BODIES.get(f"{method} {path}", {}))
    headers = request.pop("headers", {}) | sender.headers
    return requests.request(
        method, url + path.format_map(NOTHING), headers=headers, timeout=60, **request
    )


@pytest.fixture(scope="module")
def answers(classifier: Server, trainer: Server, senders: list[Sender]) -> Table:
    """Every call by every sender, also as tests/output/access.md."""
    found = Table(senders)
    for server in (classifier, trainer):
        for method, path in calls_of(server.get("/docs.json")):
            row = found.rows.setdefault(f"{method} {path}", [])
            if not row:
                row += [send(server.url, method, path, it).status_code for it in senders]
    output = ROOT / "tests" / "output"
    output.mkdir(exist_ok=True)
    (output / "access.md").write_text(found.markdown())
    return found


def test_every_call_is_in_the_policy_and_on_the_page(answers: Table) -> None:
    in_policy = {
        f"{method} {path}" for method, path in policy.CALLS if path not in ("/", "/docs.json")
    }

    assert set(answers.rows) == in_policy == set(WRITTEN)


def test_each_call_answers_each_sender_as_the_page_says(answers: Table) -> None:
    wrong = []
    for call, statuses in answers.rows.items():
        for sender, status in zip(answers.senders, statuses, strict=True):
            refused = status if status in REFUSED else None
            if refused != sender.expected(call) or status >= 500:
                wrong.append((call, sender.name, status, sender.expected(call)))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_refusal_says_what_to_do(trainer: Server, senders: list[Sender]) -> None:
    for sender in senders:
        answer = send(trainer.url, "POST", "/runs", sender)
        if answer.status_code in REFUSED:
            assert answer.headers["content-type"] == "application/json", sender.name
            assert answer.json()["error"].endswith("."), sender.name
            assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401)


def test_an_unlisted_call_that_changes_something_needs_an_operator() -> None:
    assert policy.needs("POST", "/nowhere").role is Role.OPERATOR
    assert policy.needs("DELETE", "/runs/1").changes
    assert policy.needs("POST", "/corrections/import/").role is Role.OPERATOR
    assert not policy.needs("GET", "/nowhere").changes


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize(
    "call",
    [
        "POST /runs",
        "POST /runs/1/cancel",
        "POST /models/x/promote",
        "PUT /shadow",
        "PATCH /corrections/1",
        "DELETE /corrections/1",
        "DELETE /shadow",
        "POST /classes",
        "DELETE /classes/a/b",
    ],
)
def test_bodies_that_any_website_can_send_are_refused(
    trainer: Server, call: str, kind: str
) -> None:
    method, path = call.split()
    answer = trainer.call(method, path, data=b"{}", headers={"Content-Type": kind})

    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]


def test_web_forms_carry_pictures_and_archives_only_as_multipart(trainer: Server) -> None:
    for path in ("/corrections", "/corrections/import"):
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            answer = trainer.post(path, data=b"x", headers={"Content-Type": kind})
            assert (answer.status_code, "multipart" in answer.json()["error"]) == (415, True)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1:9", "[::1]:3000", "trainer:3002", "localhost."]
)
def test_our_own_names_are_answered(trainer: Server, host: str) -> None:
    assert requests.get(f"{trainer.url}/recipes", headers={"Host": host}, timeout=30).ok


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example:3000",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "[::2]",
        "10.0.0.1",
        "x" * 5_000,
        "localhost:80:80",
    ],
)
def test_other_names_are_not(classifier: Server, host: str) -> None:
    for path in ("/livez", "/metrics", "/", "/nowhere", "/schema.json", "/static_content/x"):
        answer = requests.get(f"{classifier.url}{path}", headers={"Host": host}, timeout=30)
        assert answer.status_code == 421, (path, answer.text)


def test_the_own_page_and_links_from_elsewhere_are_answered(trainer: Server) -> None:
    own = {"Origin": trainer.url, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert trainer.call("POST", "/runs/1/cancel", headers=own).status_code == 404
    assert requests.get(f"{trainer.url}/", headers=link, timeout=30).ok
    assert trainer.call("POST", "/runs/1/cancel", headers=link).status_code == 403


def test_no_answer_can_be_embedded_by_another_page(classifier: Server, trainer: Server) -> None:
    for url in (classifier.url, trainer.url):
        for path in ("/", "/livez", "/nowhere", "/docs.json", "/corrections/1/image"):
            headers = requests.get(url + path, timeout=30).headers
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin", path
            assert "Access-Control-Allow-Origin" not in headers
