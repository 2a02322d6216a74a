"""Classes."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from service.trainer_api.schemas.base import Actor, Body, Name, Tag, Time
from training.store.classes import MAX_LENGTH

NewName = Annotated[
    Name,
    Field(
        description=f"1 to {MAX_LENGTH} letters, digits, spaces and - ' / & + . , ( ), in one "
        "alphabet, and not like the name of another class.",
        examples=["Hat"],
    ),
]


class Pictures(BaseModel):
    """Corrections of a class that runs use."""

    usable: int = Field(description="Those that are held out included.")
    held_out: int = Field(description="Test corrections, never trained on.")
    needed: int = Field(description="How many are missing until a run learns the class from them.")


class OneClass(BaseModel):
    """A class."""

    name: str
    origin: Literal["fashion-mnist", "own"] = Field(
        description="`fashion-mnist`: built in; its name stays. `own`: a person added it."
    )
    pictures: Pictures
    versions: list[Tag] = Field(description="The versions that know it, also by a former name.")
    aliases: list[str] = Field(
        description="Its former names, and those of classes that were merged into it."
    )
    created_at: Time | None = Field(description="Null if it is built in.")
    actor: Actor


class Change(BaseModel):
    """A change that can be undone now."""

    id: int
    what: str = Field(description="A sentence.")
    time: Time
    actor: Actor


class Classes(BaseModel):
    """All classes, the built-in ones first, then own ones by age."""

    classes: list[OneClass]
    limit: int = Field(description="So many classes there can be, the built-in ones included.")
    changes: list[Change] = Field(description="The latest that can be undone now, newest first.")


class ClassRequest(Body):
    """A class to add."""

    name: NewName


class ClassChange(Body):
    """Another name, or the class to merge it into: one of the two."""

    name: NewName | None = None
    merge_into: Name | None = Field(default=None, description="The name of another class.")

    @model_validator(mode="after")
    def _check(self) -> "ClassChange":
        if (self.name is None) == (self.merge_into is None):
            raise ValueError('Send either {"name": "Cap"} or {"merge_into": "Bag"}.')
        return self


class UndoRequest(Body):
    """The change to undo."""

    change: int = Field(ge=0, le=2**63 - 1, description="`change` of the call that made it.")


class Changed(BaseModel):
    """What was done."""

    change: int = Field(description="For POST /classes/undo.")
    what: str = Field(description="A sentence.")
