"""The base of bodies, and types that several subjects share."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from training.store import texts

UNUSABLE_TEXT = "unusable_text"
"""Pydantic's type of the error for a text that holds what no text may hold."""


def _check_text(text: str) -> str:
    problem = texts.find_problem(text, len(text))
    if problem:
        raise PydanticCustomError(UNUSABLE_TEXT, "{problem}", {"problem": problem})
    return text


USABLE = AfterValidator(_check_text)
"""For every text that a call takes: no control characters and no halves of characters. It stands
behind the limit of the length, which Pydantic otherwise reports in other words."""

Name = Annotated[str, Field(max_length=200), USABLE]
"""A text that names something: a class, a version, a run."""

Ratio = Annotated[float, Field(ge=0, le=1)]
Time = Annotated[str, Field(description="ISO 8601, UTC.")]
Tag = Annotated[str, Field(json_schema_extra={"pattern": "^fashion_mnist_model:"})]
Png = Annotated[str, Field(description="The picture, 28x28 and grey, as a PNG in Base64.")]
Actor = Annotated[
    str | None,
    Field(
        description="Who did it: the page's visitor, the name of a program's token, or `local` for "
        "the page without a log-in; `first start` for what a new installation trains by itself. "
        "Null if it is not known."
    ),
]

Answer = dict[str, Any]
"""An answer before FastAPI turns it into a model."""


class Body(BaseModel):
    """A body: no unknown fields, no coercion."""

    model_config = ConfigDict(extra="forbid", strict=True)
