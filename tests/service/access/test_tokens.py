"""Tokens: made once, kept with mode 0600, stored hashed, and damage that nobody has to repair."""

import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from service import tokens as command
from service.access import tokens
from service.access.tokens import Role, TokenError, TokenStore
from tests.support.processes import ROOT


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("WARDROBE_HOME", str(home))
    monkeypatch.delenv("TOKENS_FILE", raising=False)
    return home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_many_processes_that_start_at_once_make_one_file(own_home: Path) -> None:
    code = "from service.access import tokens; tokens.make_page_tokens(); "
    code += "print(tokens.page_tokens_path().read_text())"
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    printed = {process.communicate()[0] for process in started}

    assert len(printed) == 1
    assert set(json.loads(printed.pop())) == {"viewer", "teacher", "operator"}
    assert mode(own_home / "tokens.json") == 0o600


def test_the_tokens_of_the_first_start_stay() -> None:
    tokens.make_page_tokens()
    first = tokens.page_tokens_path().read_text()
    tokens.make_page_tokens()

    assert tokens.page_tokens_path().read_text() == first
    assert len({tokens.page_token(role) for role in Role}) == 3


DAMAGE = [b"", b"\0" * 200, b'{"viewer": "a', b"{}", b"[]", b"null", b"\xff\xfe", b'{"viewer": 1}']


@pytest.mark.parametrize("content", DAMAGE)
def test_a_damaged_file_is_kept_aside_and_made_anew(own_home: Path, content: bytes) -> None:
    own_home.mkdir()
    (own_home / "tokens.json").write_bytes(content)
    assert TokenStore().find("anything") is None
    tokens.make_page_tokens()

    assert TokenStore().find(tokens.page_token(Role.VIEWER))
    [kept] = own_home.glob("tokens.json.damaged-*[0-9]")
    assert kept.read_bytes() == content


@pytest.mark.parametrize("content", DAMAGE)
def test_damaged_programs_tokens_are_told_and_the_page_goes_on(
    own_home: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens.make_page_tokens()
    (own_home / "program_tokens.json").write_bytes(content)

    assert TokenStore().find(tokens.page_token(Role.OPERATOR))
    assert TokenStore().find("anything") is None
    if content not in (b"{}", b"[]"):
        assert command.main(["list"]) == 1
        assert "program_tokens.json is damaged" in capsys.readouterr().err


def test_the_command_makes_lists_and_withdraws(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["create", "--role", "teacher", "--name", "ci", "--days", "90"]) == 0
    secret = capsys.readouterr().out.strip()
    store = TokenStore()
    found = store.find(secret)
    assert found is not None
    assert (found.name, found.role, found.has_ended) == ("ci", Role.TEACHER, False)

    assert command.main(["list"]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith("ci  teacher  ends ")
    assert secret not in listed

    assert command.main(["withdraw", "ci"]) == 0
    assert store.find(secret) is None
    assert command.main(["withdraw", "ci"]) == 1
    assert "There is no token named ci." in capsys.readouterr().err


def test_only_a_digest_is_stored(own_home: Path) -> None:
    secret = tokens.create("ci", Role.VIEWER, 1)
    stored = (own_home / "program_tokens.json").read_text()

    assert secret not in stored
    assert hashlib.sha256(secret.encode()).hexdigest() in stored
    assert mode(own_home / "program_tokens.json") == 0o600
    assert len(secret) >= 43, "256 bits"


@pytest.mark.parametrize(
    ("name", "days", "says"),
    [
        ("", 1, "A name has"),
        ("two words", 1, "A name has"),
        ("x" * 65, 1, "A name has"),
        ("=cmd", 1, "A name has"),
        ("ci", 0, "1 to 3,650 days"),
        ("ci", 4_000, "1 to 3,650 days"),
        ("taken", 1, "There is a token named taken"),
    ],
)
def test_a_wrong_name_or_end_is_refused(name: str, days: int, says: str) -> None:
    tokens.create("taken", Role.VIEWER, 1)
    with pytest.raises(TokenError, match=says):
        tokens.create(name, Role.VIEWER, days)


def test_tokens_made_at_once_are_all_kept() -> None:
    threads = [
        threading.Thread(target=tokens.create, args=(f"ci-{number}", Role.VIEWER, 1))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(tokens.list_programs()) == 8


@pytest.mark.skipif(os.getuid() == 0, reason="root reads every file")
def test_a_file_of_another_user_is_told(own_home: Path) -> None:
    own_home.mkdir()
    (own_home / "tokens.json").write_text("{}")
    (own_home / "tokens.json").chmod(0)
    assert TokenStore().find("anything") is None
    with pytest.raises(PermissionError):
        tokens.make_page_tokens()
