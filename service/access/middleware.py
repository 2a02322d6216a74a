"""The door of both services: every request is checked before anything reads it.

In this order: Host (421), Origin and Sec-Fetch-Site (403), token (401), role (403), the kind of
body (415), limits (429). docs/security.md says against whom.
"""

import contextlib
import logging
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

import settings
from service.access import origins, policy, tokens
from service.access.audit import AuditLog
from service.access.caller import LOCAL, Caller, set_caller
from service.access.policy import Call
from service.access.rates import rates
from service.access.tokens import Role, Token
from service.http.errors import ApiError
from service.http.middleware import add_middleware, error_response
from service.http.security_headers import with_security_headers

_log = logging.getLogger(__name__)

_CHECKED = frozenset({b"host", b"origin", b"sec-fetch-site", b"authorization"})
"""A request of a program on this machine has the first of them only."""

_BY_FORM = frozenset({b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data"})
"""What a page of another website can send without being asked first (CORS preflight)."""
_MULTIPART = b"multipart/form-data"
_LONGEST_ACTOR = 200


class AccessMiddleware:
    """ASGI middleware: lets a request through, with its caller in the scope, or answers it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._hosts = origins.Hosts()
        self._tokens = tokens.TokenStore()
        self._always_token = settings.get("TOKENS_REQUIRED") == "1"
        self._rates = rates()
        self._audit = AuditLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request."""
        kind = scope["type"]
        if kind != "http":
            if kind == "websocket" and not self._is_own_page(scope):
                return await send({"type": "websocket.close", "code": 1008})
            return await self._app(scope, receive, send)
        send = with_security_headers(send)
        checked: dict[bytes, bytes] = {
            name: value for name, value in scope["headers"] if name in _CHECKED
        }
        need = policy.needs(scope["method"], scope["path"])
        if (
            len(checked) == 1
            and not need.changes
            and not self._always_token
            and checked.get(b"host") in self._hosts.known
            and _is_local(scope)
        ):
            set_caller(scope, LOCAL)
            return await self._app(scope, receive, send)
        if need.changes:
            return await self._change(scope, receive, send, checked, need)
        try:
            set_caller(scope, self._check(scope, checked, need))
        except ApiError as error:
            return await error_response(error)(scope, receive, send)
        await self._app(scope, receive, send)

    async def _change(
        self, scope: Scope, receive: Receive, send: Send, checked: dict[bytes, bytes], need: Call
    ) -> None:
        """Check a call that changes something, and note it in the audit log."""
        status: int | None = None
        caller: Caller | None = None

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            caller = self._check(scope, checked, need)
            set_caller(scope, caller)
            await self._app(scope, receive, noting)
        except ApiError as error:
            if caller is not None:
                raise
            status = int(error.status)
            await error_response(error)(scope, receive, send)
        finally:
            if caller is not None or status in (401, 403):
                self._audit.record(
                    actor=caller.actor if caller else None,
                    role=caller.role.word if caller else None,
                    address=scope["client"][0] if scope.get("client") else None,
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                )

    def _check(self, scope: Scope, checked: dict[bytes, bytes], need: Call) -> Caller:
        """Who sent a request. Raises ApiError when it is refused."""
        self._check_place(scope, checked)
        token = self._token(checked.get(b"authorization"))
        caller = self._caller(scope, token)
        if caller is None:
            if need.role is not None:
                raise _no_token(need)
            return LOCAL
        if need.changes and token is None:
            raise _no_token(need)
        if need.role is not None and caller.role < need.role:
            raise ApiError(
                HTTPStatus.FORBIDDEN,
                f"This call needs the role {need.role.word}; your token has the role "
                f"{caller.role.word}. Ask an operator for another token.",
            )
        if need.changes:
            _check_body(scope, need)
        if need.cost:
            self._rates.spend(caller, need.cost)
        return caller

    def _check_place(self, scope: Scope, checked: dict[bytes, bytes]) -> None:
        host = checked.get(b"host")
        if not self._hosts.allow(host, scope.get("server")):
            name = origins.host_name(host or b"")[:100] or "empty"
            raise ApiError(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"The host {name!a} is not known here. Use localhost, or add the name to the "
                "setting ALLOWED_HOSTS of this service.",
            )
        origin = checked.get(b"origin")
        is_foreign = origin is not None and not origins.is_own_origin(origin, host)
        if not is_foreign and (site := checked.get(b"sec-fetch-site")) is not None:
            mode = _header(scope, b"sec-fetch-mode")
            is_foreign = origins.is_foreign_page(site, mode, scope["method"])
        if is_foreign:
            raise ApiError(
                HTTPStatus.FORBIDDEN,
                "This request comes from a page of another website, and was refused. Use "
                "Wardrobe's own page, or a program.",
            )

    def _token(self, authorization: bytes | None) -> Token | None:
        """The token of an Authorization header, None without one. Raises ApiError (401)."""
        if authorization is None:
            return None
        scheme, _, secret = authorization.decode("latin-1").strip().partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise _unauthorized("Send the token as 'Authorization: Bearer TOKEN'.")
        token = self._tokens.find(secret.strip())
        if token is None:
            raise _unauthorized(
                "This token is not known: it is wrong, or was withdrawn. An operator makes a new "
                "one with `python -m service.tokens create`."
            )
        if token.has_ended:
            raise _unauthorized(
                f"The token {token.name} ended on {token.ends_at:%Y-%m-%d}. An operator makes a "
                "new one with `python -m service.tokens create`."
            )
        return token

    def _caller(self, scope: Scope, token: Token | None) -> Caller | None:
        """The caller with a token, or without one on this machine; else None."""
        is_local = _is_local(scope)
        if token is None:
            return LOCAL if is_local and not self._always_token else None
        if not token.is_pages:
            return Caller(token.role, token.name, f"token {token.name}")
        visitor = _header(scope, b"wardrobe-user")
        if visitor is None:
            return Caller(token.role, token.name, None if is_local else _address(scope))
        actor = _printable(unquote_to_bytes(visitor).decode("utf-8", "replace")) or token.name
        return Caller(token.role, actor, f"visitor {actor}")

    def _is_own_page(self, scope: Scope) -> bool:
        checked = {name: value for name, value in scope["headers"] if name in _CHECKED}
        with contextlib.suppress(ApiError):
            self._check_place({**scope, "method": "GET"}, checked)
            return self._caller(scope, self._token(checked.get(b"authorization"))) is not None
        return False


def guard(service: object) -> None:
    """Let a BentoML service check every request. To be called before other middleware is added."""
    add_middleware(service, AccessMiddleware)


def make_page_tokens() -> None:
    """Make the page's tokens at the start of a service, if nobody has."""
    try:
        tokens.make_page_tokens()
    except OSError as error:
        _log.error("the page's tokens cannot be made, so the page can change nothing: %s", error)


def _is_local(scope: Scope) -> bool:
    """Whether a request comes from this machine, or from a service over a socket in a file."""
    client = scope.get("client")
    if client is None:
        server = scope.get("server")
        return server is None or server[1] is None
    return origins.is_loopback(client[0])


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return f"address {client[0] if client else 'unknown'}"


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    for name, value in scope["headers"]:
        if name == wanted:
            found: bytes = value
            return found
    return None


def _check_body(scope: Scope, need: Call) -> None:
    """Raise ApiError (415) for the kinds of body that every website can send."""
    kind = (_header(scope, b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind not in _BY_FORM or (need.takes_form and kind == _MULTIPART):
        return
    what = "multipart/form-data" if need.takes_form else "application/json"
    raise ApiError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"The content type {kind.decode('latin-1')} is not accepted here. Send {what}, or no body "
        "where none is needed; curl takes --json or -H 'Content-Type: …'.",
    )


def _printable(text: str) -> str:
    return "".join(one for one in text if one.isprintable()).strip()[:_LONGEST_ACTOR]


def _no_token(need: Call) -> ApiError:
    role = (need.role or Role.VIEWER).word
    return _unauthorized(
        f"This call needs a token with the role {role}: send 'Authorization: Bearer TOKEN'. "
        "docs/security.md says where tokens are."
    )


def _unauthorized(message: str) -> ApiError:
    headers = {"WWW-Authenticate": "Bearer"}
    return ApiError(HTTPStatus.UNAUTHORIZED, message, headers=headers)
