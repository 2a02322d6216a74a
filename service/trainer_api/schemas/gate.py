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


class Gate(TypedDict, total=False):
    """How a version compared with the live one, on 5,000 validation pictures and on the test
    corrections. A version's metadata leaves out what would be null."""

    promoted: Annotated[bool, Field(description="Whether the gate promoted it.")]
    reasons: Annotated[list[str], Field(description="Sentences: why it was promoted, or not.")]
    champion: Annotated[Tag | None, Field(description="The live version then, if there was one.")]
    accuracy: Compared
    calibration_error: Compared
    per_class: Annotated[dict[str, Compared], Field(description="The accuracy by class.")]
    corrections: CorrectionsCompared | None
