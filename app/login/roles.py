"""Roles of people who log in at an OpenID Connect provider."""

from collections.abc import Iterable, Mapping
from typing import Any

import settings

_LISTS = {"viewer": "VIEWERS", "teacher": "TEACHERS", "operator": "OPERATORS"}


def includes(role: str | None, needed: str) -> bool:
    """Return whether `role` may do what needs the role `needed`. None may do nothing."""
    return role is not None and settings.ROLES.index(role) >= settings.ROLES.index(needed)


def role_of(claims: Mapping[str, Any]) -> str | None:
    """Return the highest role that the settings give to a person, None if they give none.

    `claims` are those of the provider's ID token. An e-mail address counts unless the provider says
    that it has not verified it. Capitals in addresses make no difference, in group names they do.
    """
    names = {"*", *(f"group:{group}" for group in _groups(claims))}
    email = claims.get("email")
    # An address in the form of a group, or of the star, must not count as one.
    address = email.strip().lower() if isinstance(email, str) and _is_verified(claims) else ""
    if "@" in address and ":" not in address:
        names.add(address)
    for role in reversed(settings.ROLES):
        if names & set(_listed(_LISTS[role])):
            return role
    return None


def name_of(claims: Mapping[str, Any]) -> str:
    """Return what a person is called in records: the e-mail address if the provider has one."""
    for claim in ("email", "preferred_username", "name", "sub"):
        if isinstance(value := claims.get(claim), str) and value.strip():
            return value.strip()
    return "unknown"


def _is_verified(claims: Mapping[str, Any]) -> bool:
    return str(claims.get("email_verified", True)).lower() == "true"


def _listed(setting: str) -> Iterable[str]:
    for entry in settings.get(setting).split(","):
        name = entry.strip()
        if name:
            yield name if name.startswith("group:") else name.lower()


def _groups(claims: Mapping[str, Any]) -> Iterable[str]:
    """Return the claim `groups`: providers send a list, or one name."""
    groups = claims.get("groups", ())
    if isinstance(groups, str):
        return [groups]
    return [group for group in groups if isinstance(group, str)] if groups else []
