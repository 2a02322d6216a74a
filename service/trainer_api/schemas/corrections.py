"""Corrections."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    Field,
    WithJsonSchema,
    model_validator,
)

from service.decoding import crops
from service.trainer_api.schemas.base import Actor, Body, Name, Png, Time

CorrectionState = Literal["new", "accepted", "conflict", "quarantined", "review_requested"]


class CorrectionForm(BaseModel):
    """A picture as `/classify` takes it, and its class."""

    image: Annotated[bytes, WithJsonSchema({"type": "string", "format": "binary"})] = Field(
        description="The picture, as a file: any format, size and colors, at most 10 MB "
        "(`MAX_UPLOAD_MB`) and 50 megapixels (`MAX_MEGAPIXELS`)."
    )
    label: Name = Field(description="The class that it shows.", examples=["Bag"])
    predicted: Name = Field(default="", description="The class that the model named.")
    model: Name = Field(default="", description="The tag of that model, as `/classify` answers it.")
    source: Name = Field(default="api", description="Where it came from: small letters and digits.")
    crop: str = Field(default="", description=crops.DESCRIPTION)


class CorrectionKept(BaseModel):
    """The correction, new or not."""

    id: int
    state: CorrectionState


class Correction(BaseModel):
    """A picture as the network gets it, and the class that a person named."""

    id: int = Field(description="Not given twice.")
    content_hash: str = Field(description="SHA-256 of the picture's 784 grey values.")
    label: str
    predicted: str | None = Field(description="The class that the model named.")
    model: str | None = Field(description="The tag of that model.")
    source: str = Field(description="`pad`, `upload`, `api` or another word.")
    created_at: Time
    actor: Actor
    state: CorrectionState = Field(
        description="Runs use `new` and `accepted` ones. `conflict`: the same picture has another "
        "label too. `quarantined`: it needs a review, and `reason` says why. `review_requested`: "
        "two versions disagree or one does not know the picture, and nobody has named the class "
        "yet."
    )
    reason: str | None = Field(description="Why it is not used.")
    held_out: bool = Field(
        description="Whether it is a test correction: one in five, chosen by picture, that is "
        "never trained on."
    )
    png: Png


class StateCounts(BaseModel):
    """Corrections in each state."""

    new: int
    accepted: int
    conflict: int
    quarantined: int
    review_requested: int


class CorrectionPage(BaseModel):
    """A page of corrections, newest first."""

    corrections: list[Correction]
    next: int | None = Field(description="`after` of the next page; null on the last one.")
    counts: StateCounts = Field(description="Of this label only, if one was asked for.")


class CorrectionChange(Body):
    """Another label, or accepted as it is: one of the two."""

    label: Name | None = Field(default=None, description="The right class.")
    state: Literal["accepted"] | None = None

    @model_validator(mode="after")
    def _check(self) -> "CorrectionChange":
        if (self.label is None) == (self.state is None):
            raise ValueError('Send either {"label": "Bag"} or {"state": "accepted"}.')
        return self


class RefusedRow(BaseModel):
    """A row of the table that was not imported."""

    row: int = Field(description="As a spreadsheet numbers it: the head is row 1.")
    reason: str = Field(description="What is wrong with it.")


class Imported(BaseModel):
    """What became of an archive's corrections."""

    added: int
    known: int = Field(description="They were there already, and stay as they were.")
    refused: int
    problems: list[RefusedRow] = Field(description="The first 100 rows that were refused.")
    classes: list[str] = Field(description="Classes of your own that the archive has brought.")
