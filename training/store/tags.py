"""Tags of the model's versions: `fashion_mnist_model:<version>`."""

MODEL_NAME = "fashion_mnist_model"


def to_tag(version: str) -> str:
    """Return the tag of a version. A tag of this model is returned unchanged."""
    return f"{MODEL_NAME}:{version.removeprefix(f'{MODEL_NAME}:')}"


def version_of(tag: str) -> str:
    """Return the part of a tag after the model's name; empty if the tag has no such part."""
    return tag.partition(":")[2]
