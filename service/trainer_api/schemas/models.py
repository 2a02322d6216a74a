"""Versions of the model."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SkipValidation,
    StringConstraints,
)
from typing_extensions import TypedDict

from service.trainer_api.schemas.base import USABLE, Actor, Body, Png, Ratio, Tag, Time
from service.trainer_api.schemas.gate import Gate


class Baseline(TypedDict, total=False):
    """What a version answered to the validation pictures. Live pictures are compared with it."""

    pictures: int
    predictions: Annotated[dict[str, Ratio], Field(description="Share of the pictures by class.")]
    brightness: Annotated[dict[str, Ratio], Field(description="Share by mean pixel value.")]
    confidence_bounds: list[float]
    confidence: Annotated[list[Ratio], Field(description="Share up to each of the bounds.")]


class CalibrationBin(TypedDict, total=False):
    """Test pictures of about the same confidence."""

    pictures: int
    confidence: Annotated[Ratio, Field(description="Their mean.")]
    accuracy: Ratio


class Metadata(TypedDict, total=False):
    """What training wrote about a version."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # read by Pydantic

    accuracy: Annotated[Ratio, Field(description="On the 10,000 test pictures.")]
    loss: Annotated[float, Field(description="Mean cross-entropy on the test pictures.")]
    calibration_error: Annotated[Ratio, Field(description="Expected calibration error, 15 bins.")]
    calibration_bins: Annotated[
        list[CalibrationBin], Field(description="Of the calibration error, least confident first.")
    ]
    serving_seconds: Annotated[
        dict[str, float],
        Field(description="A pass of `pictures_1` and `pictures_32` on one thread, when trained."),
    ]
    temperature: Annotated[float, Field(description="The logits are divided by it.")]
    baseline: Baseline
    per_class_accuracy: dict[str, Ratio]
    confusion_matrix: Annotated[
        list[list[int]], Field(description="True classes in rows, answers in columns.")
    ]
    learning_curves: list[dict[str, float]]
    validation_accuracy: Ratio
    author: Annotated[str, Field(description="The user who trained it.")]
    duration_seconds: float
    epochs: int
    seed: int
    recipe: str
    network: Annotated[str, Field(description="A name in training/model/networks.py.")]
    parameters: Annotated[int, Field(description="Trained parameters.")]
    data_fingerprint: Annotated[str, Field(description="SHA-256 of the training data.")]
    git_revision: Annotated[str, Field(description="Empty outside a checkout.")]
    corrections_used: Annotated[
        list[str], Field(description="Trained on these, each `<content_hash>:<label>`.")
    ]
    gate: Gate
    number: int
    sha256: Annotated[dict[str, str], Field(description="SHA-256 of the version's files, by name.")]
    class_names: Annotated[list[str], Field(description="The network's outputs, in order.")]
    run_id: str


class Promotion(BaseModel):
    """One promotion of a version."""

    time: Time
    tag: Tag
    previous: Tag | None = Field(description="The live version before.")
    by: Literal["gate", "person"]
    reason: str | None = Field(description="What the person gave, if anything.")
    actor: Actor


class Version(BaseModel):
    """A version in the model store."""

    number: int = Field(description="People call it by this: 1, 2 and so on, never given twice.")
    tag: Tag
    version: str = Field(description="The second half of the tag.")
    champion: bool = Field(description="Whether it is the live version.")
    status: Literal["champion", "candidate", "former", "stored"] = Field(
        description="`champion`: live. `candidate`: the gate did not promote it, and it was never "
        "live. `former`: it was live once. `stored`: never live, and nothing speaks against it."
    )
    promotions: list[Promotion] = Field(description="Oldest first.")
    created_at: Time
    labels: dict[str, str]
    metadata: SkipValidation[Metadata]
    size_bytes: int
    verified: bool = Field(
        description="Whether its files have the checksums that were stored with it. Versions of "
        "earlier releases have none."
    )
    error: str | None = Field(description="What is damaged and what to do; null if it is whole.")


class Versions(BaseModel):
    """Versions, newest first."""

    champion: Tag | None = Field(description="The live version; null before the first.")
    error: str | None = Field(description="What is wrong with the record of the live version.")
    total: int = Field(description="How many versions there are.")
    models: list[Version]


class Numbers(BaseModel):
    """The number of every version."""

    numbers: dict[str, int] = Field(description="By version, the second half of the tag.")


class Difference(TypedDict, total=False):
    """A picture to which the two versions give different answers."""

    png: Png
    label: Annotated[str, Field(description="The right class.")]
    before: Annotated[str | None, Field(description="The live version's answer.")]
    after: Annotated[str, Field(description="The new version's answer.")]
    set: Literal["validation", "correction"]


class Report(Gate, total=False):
    """A gate's result with pictures: at most 3 of each class in each list, corrections first."""

    better: Annotated[list[Difference], Field(description="Only the new version is right.")]
    worse: Annotated[list[Difference], Field(description="Only the live version is right.")]


class PromotionRequest(Body):
    """Why, if you like."""

    reason: (
        Annotated[
            str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), USABLE
        ]
        | None
    ) = Field(default=None, description="For whoever looks at the promotion later.")


class Promoted(BaseModel):
    """The live version now."""

    tag: Tag
    previous: Tag | None = Field(description="The live version before.")
    seconds: float = Field(description="From the change until every worker served it.")
    workers: int = Field(description="Workers of the classifier.")
    detail: str | None = Field(default=None, description="With 202: what is still missing.")


ReportAnswer = SkipValidation[Report]
