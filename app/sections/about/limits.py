"""What a version is for and what it cannot do, in words."""

from collections.abc import Iterator

from app.clients.trainer import Model
from app.text.translate import _, ngettext

OWN = "own"
"""The data set of a version that was trained on a person's own pictures only."""

_FAMILIARITY = "familiarity.pt"
"""The file of a version by which it knows what it does not know."""


def intended_use() -> str:
    """Say what a version is for."""
    return _(
        "Sorting pictures of single pieces of clothing into a few classes, where a wrong answer "
        "costs little and a person can correct it. Not for decisions about people."
    )


def data_words(model: Model) -> str:
    """Say which pictures a version was trained on."""
    if model.metadata.get("dataset") == OWN:
        return _("It was trained on your own pictures only.")
    return _(
        "55,000 pictures of Fashion-MNIST: catalogue pictures of single items on black, in grey, "
        "28 by 28 pixels. 5,000 more check each training, and 10,000 test the result."
    )


def known_limits(model: Model) -> Iterator[str]:
    """Yield what a version cannot do, one or two sentences each."""
    classes = len(model.class_names)
    if classes:
        yield ngettext(
            "It knows {count} class, and answers with it whatever a picture shows.",
            "It knows {count} classes, and answers with one of them whatever a picture shows.",
            classes,
        ).format(count=classes)
    if _FAMILIARITY in (model.metadata.get("sha256") or {}):
        yield _(
            "It says when a picture is unlike everything that it learned from. About 4 % of "
            "ordinary pictures get this warning too, and some strange ones do not."
        )
    else:
        yield _("It cannot tell when a picture is unlike everything that it learned from.")
    yield _("It sees 28 by 28 grey pixels: no colours, no fabric, no small print.")
    if model.metadata.get("dataset") == OWN:
        yield _("Its figures come from few pictures. Treat them as a first impression.")
        return
    yield _(
        "Photos are harder than catalogue pictures: without corrections, expect five or six of ten "
        "to be right. Shoes in pairs, seen from above, are hardest."
    )
    yield _(
        "Drawings differ from catalogue pictures, too. A handful of corrections for each class "
        "makes it much better at them."
    )
