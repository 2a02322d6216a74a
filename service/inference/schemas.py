"""The classifier's answers, as typed models: for BentoML's clients and for OpenAPI."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

Probability = Annotated[float, Field(ge=0, le=1)]
Png = Annotated[str, Field(description="A grey PNG of 28x28 pixels, as base64.")]


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


class Example(BaseModel):
    """A picture that the version learned from."""

    png: Png
    label: str = Field(description="Its class.")
    correction: bool = Field(description="Whether a person taught it.")
    similarity: Probability = Field(description="How alike both are for the model; 1 is the same.")


class Explanation(BaseModel):
    """Why the model gives an answer."""

    answer: Classification
    picture: Png = Field(description="What the model sees: a PNG of 28x28 pixels, as base64.")
    importance: list[list[Annotated[float, Field(ge=-1, le=1)]]] = Field(
        description="A row for each row of the picture's pixels: how much less sure the model is "
        "with the surroundings of a pixel hidden, from -1 (it would be surer) to 1, the largest "
        "difference."
    )
    nearest: list[Example] | None = Field(
        description="The pictures most alike among those that the version keeps, nearest first. "
        "Null if it keeps none."
    )
    detail: str | None = Field(description="Why `nearest` is null.")


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
