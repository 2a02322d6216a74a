"""Feedback on an answer: confirm it or choose the right class, which saves a correction."""

import hashlib
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from app.clients import classes, corrections
from app.clients.classifier import Answer
from app.clients.http import RequestRejected, ServiceError
from app.components.feedback import Action, FeedbackPrompt, feedback_prompt
from app.login import permission
from app.sections.teaching import choices, progress
from app.text.formatting import as_noun
from app.text.translate import N_, _

_SAVED_KEY = "has_saved_correction"
_MESSAGE = {
    "pad": N_("We'll save this drawing and your answer for training."),
    "upload": N_("We'll save this picture and your answer for training."),
}


@dataclass(frozen=True)
class Picture:
    """What feedback is about: a picture as it was sent to the classifier, and the answer to it.

    `source` is `pad` or `upload`; `answer` is None while no model is live. `crop` is the part of
    the picture that counts, "" for all of it.
    """

    data: bytes
    media_type: str
    source: str
    answer: Answer | None
    crop: str = ""

    @property
    def digest(self) -> str:
        """The SHA-256 of the picture's bytes and of its crop."""
        return hashlib.sha256(self.data + self.crop.encode()).hexdigest()


@dataclass(frozen=True)
class _Outcome:
    """Result of the last click on the picture with this digest.

    `name_error` is about the name of a new class.
    """

    digest: str
    label: str = ""
    saved: corrections.SavedCorrection | None = None
    error: str | None = None
    name_error: str | None = None


def render_feedback(picture: Picture) -> None:
    """Render the buttons below an answer; after a click, the saved correction with Undo.

    No picture is sent to the trainer before a click.
    """
    if not permission.may("teacher", _("Correcting an answer")):
        st.page_link("views/corrections.py", label=_("See all corrections"))
        return
    state_key = f"{picture.source}_outcome"
    last: _Outcome = st.session_state.get(state_key, _Outcome(picture.digest))
    outcome = last if last.digest == picture.digest else _Outcome(picture.digest)

    def handle(action: Action) -> None:
        st.session_state[state_key] = _apply(action, picture, outcome)

    source = picture.source
    with st.container(key=f"{source}_feedback", gap="xsmall"):
        feedback_prompt(_prompt(picture, outcome), on_action=handle, key=f"{source}_prompt")
        served = _served(picture)
        if outcome.saved is not None:
            progress.render_progress(outcome.label, served)
            st.page_link("views/corrections.py", label=_("See all corrections"))


def has_saved() -> bool:
    """Return whether the visitor has saved a correction in this visit."""
    return bool(st.session_state.get(_SAVED_KEY))


def _prompt(picture: Picture, outcome: _Outcome) -> FeedbackPrompt:
    """Return what the buttons and texts are now."""
    answer = picture.answer
    names = choices.names(_served(picture))
    label = choices.current_name(answer.label) if answer is not None else None
    confirmable = label if answer is not None and answer.known is not False else None
    return FeedbackPrompt(
        digest=picture.digest,
        predicted=confirmable,
        answered=answer is not None,
        question="" if answer is not None else _("What is it?"),
        suggested=choices.suggested(names, besides=confirmable),
        class_names=names,
        message=_(_MESSAGE[picture.source]),
        saved=_summary(outcome),
        undoable=outcome.saved is not None and outcome.saved.new,
        error=outcome.error,
        name_error=outcome.name_error,
    )


def _served(picture: Picture) -> list[str]:
    return list(picture.answer.probabilities) if picture.answer is not None else []


def _apply(action: Action, picture: Picture, outcome: _Outcome) -> _Outcome:
    match action.name:
        case "undo":
            return _undo(outcome)
        case "create":
            return _create(action.label, picture)
        case _:
            return _save(action.label, picture)


def _summary(outcome: _Outcome) -> str | None:
    if outcome.saved is None:
        return None
    saved = _("Saved as {label}.") if outcome.saved.new else _("Already saved as {label}.")
    summary = saved.format(label=as_noun(outcome.label))
    if outcome.saved.state != "conflict":
        return summary
    conflict = _(
        "This picture also has another label, so training skips both. "
        "Delete or relabel one of them."
    )
    return f"{summary} {conflict}"


def _create(name: str, picture: Picture) -> _Outcome:
    """Add a class, unless there is one of this name, and save the picture with it."""
    named = next((it for it in choices.names(_served(picture)) if _same(it, name)), None)
    if named is not None:
        return _save(named, picture)
    try:
        label = classes.create(name).name
    except RequestRejected as error:
        return _Outcome(picture.digest, name_error=error.message)
    except ServiceError as error:
        return _Outcome(picture.digest, error=_not_saved(error))
    choices.refresh()
    return _save(label, picture)


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.strip().casefold()


def _save(label: str, picture: Picture) -> _Outcome:
    answer = picture.answer
    submit = partial(
        corrections.submit,
        picture.data,
        picture.media_type,
        source=picture.source,
        crop=picture.crop,
    )
    try:
        if answer is None:
            saved = submit(label=label)
        else:
            saved = submit(label=label, predicted=answer.label, model=answer.model)
    except ServiceError as error:
        return _Outcome(picture.digest, error=_not_saved(error))
    st.session_state[_SAVED_KEY] = True
    if answer is None or label != answer.label:
        choices.remember(label)
    choices.refresh()
    return _Outcome(picture.digest, label, saved)


def _not_saved(error: ServiceError) -> str:
    return _("Not saved. {reason}").format(reason=error.message)


def _undo(outcome: _Outcome) -> _Outcome:
    if outcome.saved is None:
        return outcome
    try:
        corrections.delete(outcome.saved.id)
    except ServiceError as error:
        return replace(outcome, error=_("Still saved. {reason}").format(reason=error.message))
    choices.refresh()
    return _Outcome(outcome.digest)
