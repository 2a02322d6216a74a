"""Refuses to let other machines reach a page that has no log-in."""

import settings
from launcher.console import print_line
from launcher.errors import CannotStartError


def check_exposure() -> None:
    """Check HOST and the log-in; print a warning where LOGIN=off opens the page to everybody.

    Raises CannotStartError if the page would listen beyond loopback without a log-in, ValueError
    when a setting of the log-in has no valid value.
    """
    host = settings.get("HOST")
    method = settings.login_method()
    if settings.is_loopback(host):
        return
    if method == "none":
        print_line(
            f"Warning: the page listens at {host} without a log-in (LOGIN=off): whoever reaches "
            "this machine may train, promote and delete."
        )
    elif method == "password" and not settings.role_passwords():
        raise CannotStartError(
            f"The page would listen at {host}, and nobody could log in: set OPERATOR_PASSWORD "
            "(and TEACHER_PASSWORD, VIEWER_PASSWORD), or an OpenID Connect provider "
            "(OIDC_METADATA_URL). LOGIN=off opens it to everybody. See docs/login.md."
        )
