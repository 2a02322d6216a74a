"""How the page calls a version of the model: by its number, v1, v2 and so on."""

from app.clients.classifier import version_of


def version_name(tag: str) -> str:
    """Return the name of a version for people. `tag` may be the whole tag or its last part."""
    return version_of(tag) if ":" in tag else tag
