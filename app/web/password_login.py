"""Log-in by password: the form's target sets a signed cookie, another path deletes it.

Streamlit's scripts cannot set cookies, so these are routes of the server around it.
"""

import re
from urllib.parse import parse_qs

from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

import settings
from app.login import passwords
from app.web.hosts import host_name
from app.web.origins import is_foreign

LOGIN_PATH = "/login"
LOGOUT_PATH = "/logout"
MAX_FORM_BYTES = 10_000
WRONG_TRIES = (RateLimitItemPerMinute(5), RateLimitItemPerHour(50))
"""Wrong tries from one address; beyond them even a right password is refused for a while."""


class PasswordLogin:
    """The two routes. Wrong tries are counted per address of the visitor."""

    def __init__(self) -> None:
        self._wrong_tries = MovingWindowRateLimiter(MemoryStorage())
        self.routes = [
            Route(LOGIN_PATH, self.log_in, methods=["POST"]),
            Route(LOGOUT_PATH, self.log_out, methods=["POST"]),
        ]

    async def log_in(self, request: Request) -> Response:
        """Set the cookie and go to the page that the form was on; or back with a problem."""
        if settings.login_method() != "password" or not is_own_form(request):
            return _refused()
        form = await _form(request)
        secret, page = form.get("password", [""])[0], form.get("page", [""])[0]
        path = f"/{page}" if re.fullmatch(r"[a-z]{1,20}", page) else "/"
        address = request.client.host if request.client else ""
        if not all(self._wrong_tries.test(limit, address) for limit in WRONG_TRIES):
            return RedirectResponse(f"{path}?login=wait", 303)
        role = passwords.role_with(secret)
        if role is None:
            for limit in WRONG_TRIES:
                self._wrong_tries.hit(limit, address)
            return RedirectResponse(f"{path}?login=wrong", 303)
        answer = RedirectResponse(path, 303)
        answer.set_cookie(
            passwords.cookie_name(),
            passwords.cookie_for(role),
            max_age=settings.get_int("LOGIN_HOURS") * 3600,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return answer

    async def log_out(self, request: Request) -> Response:
        """Delete the cookie and go to the first page."""
        if not is_own_form(request):
            return _refused()
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(passwords.cookie_name(), httponly=True, samesite="lax")
        return answer


def is_own_form(request: Request) -> bool:
    """Return whether a form of this page sent the request: browsers say where a form is from."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    named = "origin" in request.headers and host_name(request.headers.get("host", "")) is not None
    return named and not is_foreign(request.scope)


async def _form(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form, each as a list; none if it is longer than a log-in can be."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return {}
    return parse_qs(body.decode("latin-1"))


def _refused() -> Response:
    return PlainTextResponse("Log in on the page itself.\n", 403)
