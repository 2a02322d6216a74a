"""The shadow model."""

from pydantic import BaseModel, Field

from service.trainer_api.schemas.base import Actor, Body, Name, Time


class ShadowRequest(Body):
    """The version that answers beside the live one."""

    version: Name = Field(description="The version, its number, or the whole tag.")
    share: float = Field(default=1, gt=0, le=1, description="Share of the pictures.")


class Shadow(BaseModel):
    """The shadow model. Everything is null or 0 when there is none."""

    version: str | None
    share: float | None = Field(description="Share of the pictures that it answers.")
    since: Time | None
    actor: Actor
    workers: int = Field(description="Workers of the classifier in which it answers now.")
    reason: str | None = Field(description="Why it ended by itself, if it did.")
