"""The page's access tokens, one for each role, as the services made them."""

import json
from pathlib import Path

import settings


def page_tokens() -> dict[str, str]:
    """Return the access token of each role; empty while TOKENS_FILE does not exist, or is damaged.

    It is read each time: the first of the processes to start makes it.
    """
    try:
        path = Path(settings.get("TOKENS_FILE")).expanduser()
        found = json.loads(path.read_text(encoding="utf-8"))
        return {role: found[role] for role in settings.ROLES if isinstance(found[role], str)}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
