"""Titles and explanations of the states that a correction can be in."""

from dataclasses import dataclass

from app.text.translate import N_


@dataclass(frozen=True)
class CorrectionState:
    """One state. `title` is its name on the page, `meaning` explains it and says what to do: both
    in English, translated by `_` where they are shown.

    `tone` is the colour of its mark: `plain`, `good`, `doubtful` or `bad`. `acceptable`: a person
    can confirm the label.
    """

    title: str
    meaning: str
    tone: str
    acceptable: bool


REVIEW_REQUESTED = "review_requested"
"""A picture without a person's label: the live version and the shadow version disagree on it, or
the live version does not know it."""

STATES = {
    "new": CorrectionState(
        N_("New"),
        N_("Training uses these. Each run checks them first and marks suspicious ones for review."),
        tone="plain",
        acceptable=True,
    ),
    "accepted": CorrectionState(
        N_("Accepted"),
        N_("A person confirmed these labels. Training uses them."),
        tone="good",
        acceptable=False,
    ),
    "conflict": CorrectionState(
        N_("Conflicting labels"),
        N_("The same picture has two labels. Training skips both until you delete or relabel one."),
        tone="doubtful",
        acceptable=False,
    ),
    "quarantined": CorrectionState(
        N_("Needs review"),
        N_(
            "These labels look wrong; each card says why. Each run looks at them anew. "
            "Training skips them unless you accept them."
        ),
        tone="bad",
        acceptable=True,
    ),
    REVIEW_REQUESTED: CorrectionState(
        N_("Not labelled yet"),
        N_(
            "The shadow model disagrees with the live model, or the live model does not know "
            "these. Choose the right class to add a correction."
        ),
        tone="doubtful",
        acceptable=True,
    ),
}
"""By the name that the trainer's API uses, in the order of the page."""

UNKNOWN = CorrectionState(N_("Unknown"), "", tone="plain", acceptable=False)
"""Stands in for a state that only a newer trainer knows."""
