"""Tokens: the page's own, and those of programs. Standard library only: the launcher imports it.

The page's tokens, one for each role, are in TOKENS_FILE (mode 0600), made at the first start by
whichever process comes first. The page reads them from the file and sends them. Programs' tokens
are made by `python -m service.tokens` and shown once: WARDROBE_HOME/program_tokens.json (mode 0600)
holds only their SHA-256. A token has 256 random bits, so a slow hash would add nothing.
"""

import contextlib
import hashlib
import hmac
import json
import logging
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path

import settings
from training.store import files, locks

_log = logging.getLogger(__name__)

_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST_DAYS = 3650


class Role(IntEnum):
    """What somebody may do. Each role includes the ones before it."""

    VIEWER = 1
    TEACHER = 2
    OPERATOR = 3

    @property
    def word(self) -> str:
        """The role as users write it."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Role":
        """The role that a word names. Raises KeyError."""
        return cls[word.upper()]


class TokenError(Exception):
    """A token cannot be made or withdrawn; the message says why."""


@dataclass(frozen=True)
class Token:
    """A token without its secret. `digest` is its SHA-256; `ends_at` is None for the page's."""

    name: str
    role: Role
    digest: bytes
    ends_at: datetime | None = None
    is_pages: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether its time is over."""
        return self.ends_at is not None and datetime.now(UTC) >= self.ends_at


@dataclass(frozen=True)
class _Entry:
    """A token of a program in the file: times are ISO 8601, UTC; `sha256` is in hex."""

    name: str
    role: str
    sha256: str
    created_at: str
    ends_at: str


def page_tokens_path() -> Path:
    """Where the page's tokens are: TOKENS_FILE."""
    return Path(settings.get("TOKENS_FILE")).expanduser().absolute()


def program_tokens_path() -> Path:
    """Where the digests of programs' tokens are."""
    return settings.home() / "program_tokens.json"


def make_page_tokens() -> None:
    """Make the page's tokens unless there are some. A damaged file is kept under another name.

    Raises OSError when the file cannot be read or written.
    """
    path = page_tokens_path()
    if _is_whole(path):
        return
    with _locked(path):
        if _is_whole(path):
            return
        if path.exists():
            files.move_away(path, "it holds no token for each role", "New tokens were made.")
        files.replace(path, json.dumps({role.word: _new_secret() for role in Role}) + "\n")


def page_token(role: Role) -> str:
    """The page's token of a role. Raises OSError or ValueError when there is none."""
    return _read_page_tokens(page_tokens_path())[role]


def create(name: str, role: Role, days: int) -> str:
    """Make a program's token that ends after `days`, and return it: it is not kept.

    Raises TokenError when the name is taken or no name, or the days are out of range.
    """
    if not _NAME.fullmatch(name):
        raise TokenError(
            "A name has 1 to 64 letters, digits, dots, dashes or underscores, such as ci-import."
        )
    if not 1 <= days <= MOST_DAYS:
        raise TokenError(f"A token is valid for 1 to {MOST_DAYS:,} days.")
    secret, now = _new_secret(), datetime.now(UTC)
    with _locked(program_tokens_path()):
        entries = _read_entries()
        if any(entry.name == name for entry in entries):
            raise TokenError(f"There is a token named {name}. Withdraw it first, or choose a name.")
        ends_at = (now + timedelta(days=days)).isoformat(timespec="seconds")
        created_at = now.isoformat(timespec="seconds")
        new = _Entry(name, role.word, _digest(secret).hex(), created_at, ends_at)
        _write_entries([*entries, new])
    return secret


def revoke(name: str) -> None:
    """Remove a program's token: the next request with it is refused. Raises TokenError."""
    with _locked(program_tokens_path()):
        entries = _read_entries()
        rest = [entry for entry in entries if entry.name != name]
        if len(rest) == len(entries):
            raise TokenError(f"There is no token named {name}. `list` shows those that there are.")
        _write_entries(rest)


def list_programs() -> list[Token]:
    """The programs' tokens, oldest first. Raises TokenError when the file is damaged."""
    return [_to_token(entry) for entry in _read_entries()]


class TokenStore:
    """Finds tokens. It reads a file again when it has changed, so a withdrawal holds at once."""

    def __init__(self) -> None:
        self._seen: list[object] = []
        self._tokens: tuple[Token, ...] = ()

    def find(self, secret: str) -> Token | None:
        """The token with this secret, ended or not; None when there is none.

        Every stored digest is compared, in constant time: how long it takes tells nothing.
        """
        digest, found = _digest(secret), None
        for token in self._current():
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    def _current(self) -> tuple[Token, ...]:
        seen = [_signature(page_tokens_path()), _signature(program_tokens_path())]
        if seen != self._seen:
            self._tokens = (*_known_page_tokens(), *_known_program_tokens())
            self._seen = seen
        return self._tokens


def _known_page_tokens() -> Iterator[Token]:
    path = page_tokens_path()
    try:
        found = _read_page_tokens(path)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        _log.error("the page's tokens in %s cannot be used: %s", path, error)
        return
    for role, secret in found.items():
        yield Token("local", role, _digest(secret), is_pages=True)


def _known_program_tokens() -> list[Token]:
    try:
        return list_programs()
    except (OSError, TokenError) as error:
        _log.error("%s", error)
        return []


def _is_whole(path: Path) -> bool:
    try:
        _read_page_tokens(path)
    except (FileNotFoundError, ValueError):
        return False
    return True


def _read_page_tokens(path: Path) -> dict[Role, str]:
    """Raises OSError, or ValueError when the file is damaged."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError("it holds no JSON object")
    found: dict[Role, str] = {}
    for role in Role:
        secret = content.get(role.word)
        if not isinstance(secret, str) or len(secret) < _BYTES:
            raise ValueError(f"it holds no token for the role {role.word}")
        found[role] = secret
    return found


def _read_entries() -> list[_Entry]:
    path = program_tokens_path()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = [_Entry(**entry) for entry in content]
        for entry in entries:
            _to_token(entry)
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError) as error:
        raise TokenError(
            f"{path} is damaged, so no program's token is valid. Delete it and make new tokens."
        ) from error
    return entries


def _write_entries(entries: list[_Entry]) -> None:
    files.replace(program_tokens_path(), json.dumps([asdict(it) for it in entries], indent=1))


def _to_token(entry: _Entry) -> Token:
    ends_at = datetime.fromisoformat(entry.ends_at)
    if ends_at.tzinfo is None:
        raise ValueError("a time without a zone")
    return Token(entry.name, Role.of(entry.role), bytes.fromhex(entry.sha256), ends_at)


def _signature(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _locked(path: Path) -> contextlib.AbstractContextManager[None]:
    return locks.locked(path.with_name(f".{path.name}.lock"))


def _new_secret() -> str:
    return secrets.token_urlsafe(_BYTES)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
