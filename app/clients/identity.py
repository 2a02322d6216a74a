"""Placeholder until the services' side is merged: the visitor's token for the services."""

import json
from pathlib import Path

import settings


def tokens() -> dict[str, str]:
    """Access token of each role; empty while the file does not exist."""
    try:
        return dict(json.loads(Path(settings.get("TOKENS_FILE")).read_text()))
    except FileNotFoundError:
        return {}
