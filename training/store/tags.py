"""Tags of the model's versions: `fashion_mnist_model:<version>`."""

import re
from pathlib import Path

import settings

MODEL_NAME = "fashion_mnist_model"

VERSION = re.compile(r"\w[\w.-]{0,62}", re.ASCII)
"""Pattern of a version, as BentoML allows it. No other name reaches the file system."""


def to_tag(version: str) -> str:
    """Return the tag of a version. A tag of this model is returned unchanged."""
    return f"{MODEL_NAME}:{version.removeprefix(f'{MODEL_NAME}:')}"


def version_of(tag: str) -> str:
    """Return the part of a tag after the model's name; empty if the tag has no such part."""
    return tag.partition(":")[2]


def is_tag(text: str) -> bool:
    """Whether a text is a tag of this model."""
    version = version_of(text)
    return text == f"{MODEL_NAME}:{version}" and bool(VERSION.fullmatch(version))


def folder(tag: str) -> Path:
    """Return where the version with this tag, which must be one, is stored."""
    return settings.home() / "models" / MODEL_NAME / version_of(tag)
