"""The states that a correction can be in, and what the page makes of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """`title` is the page's word for it, `meaning` what that means and what a person can do.

    `tone` is the colour of its mark: `plain`, `good`, `doubtful` or `bad`. `acceptable`: a person
    can say that it is right.
    """

    title: str
    meaning: str
    tone: str
    acceptable: bool


REVIEW_REQUESTED = "review_requested"
"""A picture of which nobody has said anything: a version in the shadow disagrees about it."""

STATES = {
    "new": State(
        "New",
        "Runs learn from these. Before one does, it looks at them and sets aside what looks wrong.",
        tone="plain",
        acceptable=True,
    ),
    "accepted": State(
        "Accepted",
        "A person looked at these again and said that they are right: runs learn from them.",
        tone="good",
        acceptable=False,
    ),
    "conflict": State(
        "Disputed",
        "The same picture has two classes. Neither is used until one of them is deleted or "
        "relabelled.",
        tone="doubtful",
        acceptable=False,
    ),
    "quarantined": State(
        "Set aside",
        "These look wrong, each for the reason below it. None is used unless you accept it.",
        tone="bad",
        acceptable=True,
    ),
    REVIEW_REQUESTED: State(
        "In question",
        "Two versions disagree on these pictures. Which is it? None is used until you say so.",
        tone="doubtful",
        acceptable=True,
    ),
}
"""By the trainer's name for it, in the order of the page."""

UNKNOWN = State("Unknown", "", tone="plain", acceptable=False)
"""What a state is that a newer trainer tells of."""
