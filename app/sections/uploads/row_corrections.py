"""Corrections from the table of uploaded pictures: what was saved, for each picture."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import streamlit as st

from app.clients import classifier, corrections
from app.clients.batch import Progress
from app.clients.classifier import Answer, PictureFile
from app.clients.corrections import SavedCorrection
from app.clients.http import ServiceError
from app.components.picture_table import Action
from app.sections.teaching import choices
from app.text.formatting import as_noun
from app.text.translate import _

_STATE_KEY = "upload_corrections"


@dataclass(frozen=True)
class RowCorrection:
    """The last click on a picture: the class it was saved with, or why nothing changed."""

    label: str = ""
    saved: SavedCorrection | None = None
    error: str = ""

    @property
    def summary(self) -> str:
        """What was saved, as a sentence; empty if nothing is."""
        if self.saved is None:
            return ""
        label = as_noun(self.label)
        if self.saved.state == "conflict":
            text = _("Saved as {label}. It also has another label, so training skips both.")
            return text.format(label=label)
        text = _("Saved as {label}.") if self.saved.new else _("Already saved as {label}.")
        return text.format(label=label)


def of(key: str) -> RowCorrection:
    """Return what the last click on the picture with this id did."""
    return _all().get(key, RowCorrection())


def last_label() -> str | None:
    """Return the class that was saved last and not undone, None without one."""
    labels = [one.label for one in _all().values() if one.saved is not None]
    return labels[-1] if labels else None


def forget_others(keys: Iterable[str]) -> None:
    """Forget the clicks on pictures that are no longer there."""
    here = set(keys)
    st.session_state[_STATE_KEY] = {key: one for key, one in _all().items() if key in here}


def apply(action: Action, files: Mapping[str, PictureFile], progress: Progress) -> None:
    """Save the pictures of an action, or delete what was saved of them."""
    known = _all()
    for key in action.keys:
        before = known.pop(key, RowCorrection())
        if action.name == "undo":
            known[key] = _undo(before)
        else:
            known[key] = _save(files[key], action.label, key, progress)
    if action.name == "save":
        choices.remember(action.label)
    choices.refresh()


def _all() -> dict[str, RowCorrection]:
    found: dict[str, RowCorrection] = st.session_state.setdefault(_STATE_KEY, {})
    return found


def _save(file: PictureFile, label: str, key: str, progress: Progress) -> RowCorrection:
    """Save one picture: what the model saw if that is here, which is small, else the file."""
    answer, seen = progress.outcomes.get(key), progress.inputs.get(key)
    data, media_type = (file.data, file.media_type) if seen is None else (seen, classifier.PNG)
    try:
        saved = corrections.submit(
            data,
            media_type,
            label=label,
            predicted=answer.label if isinstance(answer, Answer) else None,
            model=answer.model if isinstance(answer, Answer) else None,
            source="upload",
        )
    except ServiceError as error:
        return RowCorrection(error=_("Not saved. {reason}").format(reason=error.message))
    return RowCorrection(label, saved)


def _undo(before: RowCorrection) -> RowCorrection:
    if before.saved is None:
        return before
    try:
        corrections.delete(before.saved.id)
    except ServiceError as error:
        return replace(before, error=_("Still saved. {reason}").format(reason=error.message))
    return RowCorrection()
