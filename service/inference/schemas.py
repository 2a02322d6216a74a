"""The classifier's answers, as typed models: for BentoML's clients and for OpenAPI."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

Probability = Annotated[float, Field(ge=0, le=1)]


class Classification(BaseModel):
    """The class of one picture."""

    label: str = Field(description="Name of the most probable class.")
    idx: int = Field(ge=0, description="Its index among the model's classes.")
    confidence: Probability = Field(description="Its probability.")
    probabilities: dict[str, Probability] = Field(
        description="Probability of each class, in the model's order. They sum to 1."
    )
    known: bool | None = Field(
        description="False if the picture is like none that the model was trained on: its class is "
        "a guess then. Null if the version cannot tell."
    )
    familiarity: Probability | None = Field(
        description="Share of the validation pictures that are less familiar to the model. From "
        "0.04 on a picture is known."
    )
    model: str = Field(description="Tag of the version that answered.")


class Worker(BaseModel):
    """A process that serves."""

    worker: str = Field(description="Host and process number.")
    tag: str | None = Field(description="Version that it serves.")
    error: str | None = Field(description="Why it could not load the live version.")
    tried: str | None = Field(description="Live version that it last tried to load.")


class LiveModel(BaseModel):
    """The live version and the versions that the workers serve at this moment."""

    tag: str | None = Field(description="Tag of the live version; null before the first one.")
    labels: dict[str, str]
    metadata: dict[str, Any] = Field(description="Stored with the version by its training run.")
    class_names: list[str]
    workers: list[Worker]
    serving: dict[str, int] = Field(description="Number of workers by the version they serve.")
    error: str | None = Field(default=None, description="Why the live version cannot be described.")
