"""The base of bodies, and types that several subjects share."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Ratio = Annotated[float, Field(ge=0, le=1)]
Time = Annotated[str, Field(description="ISO 8601, UTC.")]
Tag = Annotated[str, Field(json_schema_extra={"pattern": "^fashion_mnist_model:"})]
Png = Annotated[str, Field(description="The picture, 28x28 and grey, as a PNG in Base64.")]
Actor = Annotated[
    str | None,
    Field(
        description="Who did it: the page's visitor, the name of a program's token, or `local` for "
        "the page without a log-in. Null if nobody asked, or if it is not known."
    ),
]

Answer = dict[str, Any]
"""An answer before FastAPI turns it into a model."""


class Body(BaseModel):
    """A body: no unknown fields, no coercion."""

    model_config = ConfigDict(extra="forbid", strict=True)
