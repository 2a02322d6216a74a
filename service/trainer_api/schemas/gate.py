"""How versions compared."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from service.trainer_api.schemas.base import Ratio, Tag


class Compared(TypedDict, total=False):
    """A figure of the live version (`before`) and of the new one (`after`)."""

    before: Ratio | None
    after: Ratio | None


class CorrectionsCompared(Compared, total=False):
    """The accuracy on the test corrections, and how many those are."""

    count: int


class NewClass(TypedDict, total=False):
    """How the new version does on a class that the live one does not know."""

    count: Annotated[int, Field(description="Its test pictures.")]
    accuracy: Annotated[Ratio | None, Field(description="On these; null if there are none.")]
    taken: Annotated[
        Ratio,
        Field(description="Share of the other classes' validation pictures classified as it."),
    ]


class Gate(TypedDict, total=False):
    """How a version compared with the live one, on 5,000 validation pictures and on the test
    corrections, of the classes that both know. A version's metadata leaves out what would be
    null."""

    promoted: Annotated[bool, Field(description="Whether the gate promoted it.")]
    reasons: Annotated[list[str], Field(description="Sentences: why it was promoted, or not.")]
    champion: Annotated[Tag | None, Field(description="The live version then, if there was one.")]
    accuracy: Compared
    calibration_error: Compared
    per_class: Annotated[dict[str, Compared], Field(description="The accuracy by class.")]
    corrections: CorrectionsCompared | None
    new_classes: Annotated[
        dict[str, NewClass], Field(description="The classes that only the new version knows.")
    ]
