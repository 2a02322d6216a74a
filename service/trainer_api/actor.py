"""Who is recorded for what a call changes."""

from typing import Annotated

from fastapi import Depends

from service.access.caller import actor_of

Actor = Annotated[str | None, Depends(actor_of)]
"""A parameter of a call; see service/access/caller.py."""
