"""Log-in without a provider: a role's password, or its access token, and a signed cookie."""

import hashlib
import hmac

from itsdangerous import BadSignature, TimestampSigner

import settings
from app.login import tokens


def role_with(secret: str) -> str | None:
    """Return the role whose password or access token this is, None if it is of no role.

    Every candidate is compared, in constant time, so that the time tells nothing.
    """
    sent = hashlib.sha256(secret.strip().encode()).digest()
    found = None
    for role in settings.ROLES:
        for candidate in _secrets_of(role):
            expected = hashlib.sha256(candidate.encode()).digest()
            if hmac.compare_digest(sent, expected):
                found = role
    return found


def cookie_name() -> str:
    """Name of the cookie. Browsers share cookies among all ports of a host, so it has the port."""
    return f"wardrobe_login_{settings.get('APP_PORT')}"


def cookie_for(role: str) -> str:
    """Return the signed value of the cookie of a visitor with this role."""
    return _signer(role).sign(role).decode()


def role_in(cookie: str | None) -> str | None:
    """Return the role of a cookie; None if it is missing, not ours, or older than LOGIN_HOURS.

    A changed password or token ends the log-ins of its role.
    """
    role = (cookie or "").partition(".")[0]
    if cookie is None or role not in settings.ROLES or not _secrets_of(role):
        return None
    try:
        _signer(role).unsign(cookie, max_age=settings.get_int("LOGIN_HOURS") * 3600)
    except BadSignature:
        return None
    return role


def _secrets_of(role: str) -> list[str]:
    secrets = (settings.role_passwords().get(role), tokens.page_tokens().get(role))
    return [secret for secret in secrets if secret]


def _signer(role: str) -> TimestampSigner:
    return TimestampSigner("\n".join(_secrets_of(role)), salt=f"wardrobe log-in {role}")
