"""What is wrong in the state folder."""

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """One file or folder."""

    path: str = Field(description="In the state folder; `.` is the folder itself.")
    error: str = Field(description="What is wrong and what to do.")


class Problems(BaseModel):
    """Everything that is wrong; empty if nothing is."""

    problems: list[Problem]
