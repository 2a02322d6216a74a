"""Corrections page: review, change, delete, export and import corrections."""

from dataclasses import dataclass

import streamlit as st

from app.clients import corrections
from app.clients.corrections import Correction, Page
from app.clients.http import ServiceError
from app.components.gallery import Action, Card, gallery
from app.login import permission
from app.sections import model_status, trainer_notice
from app.sections.corrections import archive
from app.sections.teaching import choices
from app.text.correction_states import REVIEW_REQUESTED, STATES, UNKNOWN
from app.text.formatting import ago, named
from app.text.translate import N_, _

PAGE_SIZE = 30

_ALL = "all"
_SOURCES = {
    "pad": (N_("drawn, {ago}"), N_("drawn by {name}, {ago}")),
    "upload": (N_("uploaded, {ago}"), N_("uploaded by {name}, {ago}")),
    "api": (N_("sent by a program, {ago}"), N_("sent by a program of {name}, {ago}")),
    "shadow": (
        N_("flagged by the shadow model, {ago}"),
        N_("flagged by the shadow model, labelled by {name}, {ago}"),
    ),
    "unknown": (
        N_("unknown to the live model, {ago}"),
        N_("unknown to the live model, labelled by {name}, {ago}"),
    ),
}
"""Where a correction comes from: the text without a name, and with the name of who gave it."""

_REQUESTS = {"shadow": N_("Models disagree"), "unknown": N_("Unknown to the model")}
"""Titles of the cards without a label, by their source."""

_ALL_CLASSES = "all classes"


@dataclass(frozen=True)
class LastAction:
    """The last action on a correction. `before` and `now` are set if it can be undone."""

    message: str
    before: Correction | None = None
    now: Correction | None = None


def render_page() -> None:
    """Render the whole page."""
    st.title(_("Corrections"))
    st.write(_("Your corrections. One in five is reserved for testing; the rest train the model."))
    follow_link()
    choices.refresh()
    try:
        page = load_page()
    except ServiceError as error:
        trainer_notice.render_trainer_error(error, _("Your corrections are safe."))
        return
    trainer_notice.render_state_problems()
    editable = permission.may("teacher", _("Changing corrections"))
    render_filters()
    archive.render_import_message()
    if not sum(page.counts.values()):
        render_empty_state()
    elif not page.corrections:
        st.info(_("No corrections match."))
    else:
        st.caption(summary(page))
    # Mounted even when empty: after the last card is deleted, Undo must stay available.
    last: LastAction | None = st.session_state.get("corrections_done") if editable else None
    gallery(
        [card(one) for one in page.corrections],
        choices.names(model_status.class_names()),
        notice=last.message if last else None,
        undoable=last is not None and last.before is not None,
        editable=editable,
        on_action=lambda action: handle_action(action, page),
        key="gallery",
    )
    render_paging(page)
    archive.render_archive(editable=editable, on_import=_go_to_first_page)


def follow_link() -> None:
    """Select the state that the URL names, as in `/corrections?state=quarantined`."""
    linked = st.query_params.get("state", _ALL)
    wanted = linked if linked in STATES else _ALL
    if st.session_state.get("corrections_state") != wanted:
        st.session_state["corrections_state"] = wanted
        _go_to_first_page()


def load_page() -> Page:
    """Return the selected page; the one before it if it has become empty. Raises ServiceError."""
    state = st.session_state.get("corrections_state", _ALL)
    label = st.session_state.get("corrections_class", _ALL_CLASSES)
    pages = st.session_state.setdefault("corrections_pages", [0])
    while True:
        page = corrections.page(
            state=None if state == _ALL else state,
            label=None if label == _ALL_CLASSES else label,
            after=pages[-1],
            limit=PAGE_SIZE,
        )
        if page.corrections or len(pages) == 1:
            return page
        pages.pop()


def render_filters() -> None:
    """Render the filters by state and by class."""
    with st.container(horizontal=True, gap="medium"):
        st.segmented_control(
            _("State"),
            [_ALL, *STATES],
            required=True,
            format_func=lambda state: _(STATES[state].title) if state in STATES else _("All"),
            key="corrections_state",
            on_change=_select_state,
        )
        st.selectbox(
            _("Class"),
            [_ALL_CLASSES, *choices.names(model_status.class_names())],
            format_func=lambda name: _("All classes") if name == _ALL_CLASSES else name,
            key="corrections_class",
            width=200,
            on_change=_go_to_first_page,
        )


def render_empty_state() -> None:
    """Render the message for a store, or a class, without corrections."""
    if st.session_state.get("corrections_class", _ALL_CLASSES) != _ALL_CLASSES:
        st.info(_("No corrections match."))
        return
    st.info(
        _(
            "No corrections yet. Draw or upload something on Classify, and say whether the answer "
            "is right."
        )
    )


def summary(page: Page) -> str:
    """Return the number of corrections in each state, or the meaning of the selected state."""
    selected = st.session_state["corrections_state"]
    if selected in STATES:
        return _(STATES[selected].meaning)
    present = ((state, count) for state, count in page.counts.items() if count)
    return " · ".join(f"{_(STATES[state].title)}: {count:,}" for state, count in present)


def card(one: Correction) -> Card:
    """Return the gallery's card of a correction."""
    state = STATES.get(one.state, UNKNOWN)
    title = state.title
    if one.state == REVIEW_REQUESTED:
        prediction = ""  # the reason names the answers of both versions
        title = _REQUESTS.get(one.source, title)
    elif one.predicted is None:
        prediction = _("The model's answer is unknown")
    elif one.predicted == one.label:
        prediction = _("The model agreed")
    else:
        prediction = _("The model said {answer}").format(answer=one.predicted)
    return Card(
        id=one.id,
        label=one.label,
        tone=state.tone,
        state=_(title),
        prediction=prediction,
        reason=one.reason or "",
        origin=_origin(one),
        held_out=one.held_out and one.state != REVIEW_REQUESTED,  # not a correction yet
        acceptable=state.acceptable,
        unlabelled=one.state == REVIEW_REQUESTED,
        png=one.png,
    )


def _origin(one: Correction) -> str:
    """Return where a correction comes from, who gave it, and how long ago."""
    name = named(one.actor)
    other = (N_("from {source}, {ago}"), N_("from {source} by {name}, {ago}"))
    without_name, with_name = _SOURCES.get(one.source, other)
    text = _(without_name) if name is None else _(with_name)
    return text.format(source=one.source, name=name, ago=ago(one.created_at))


def handle_action(action: Action, page: Page) -> None:
    """Apply a click in the gallery and store the message about it, or about the error."""
    try:
        last = _undo() if action.name == "undo" else _apply(action, page)
    except ServiceError as error:
        last = LastAction(_("Nothing changed. {reason}").format(reason=error.message))
    st.session_state["corrections_done"] = last


def _apply(action: Action, page: Page) -> LastAction | None:
    one = next((it for it in page.corrections if it.id == action.id), None)
    if one is None:
        return None
    match action.name:
        case "delete":
            corrections.delete(one.id)
            return LastAction(_message(_("Deleted #{id} ({label})."), one), one)
        case _ if one.state == REVIEW_REQUESTED:
            return _label_disagreement(action, one)
        case "accept":
            corrections.accept(one.id)
            return LastAction(_message(_("Accepted #{id} as {label}."), one))
        case _:
            now = corrections.relabel(one.id, action.label)
            if now.id != one.id:
                merged = _("Merged #{id} into #{other}, the same picture as {new_label}.")
                return LastAction(_message(merged, one, now), one)
            changed = _("Changed #{id} from {label} to {new_label}.")
            return LastAction(_message(changed, one, now), one, now)


def _label_disagreement(action: Action, one: Correction) -> LastAction:
    """Save a person's label for a picture that has none yet."""
    accepted = action.name == "accept"
    now = corrections.accept(one.id) if accepted else corrections.relabel(one.id, action.label)
    return LastAction(_message(_("Saved #{id} as {new_label}."), one, now), one, now)


def _undo() -> LastAction | None:
    """Restore a deleted correction, or the class before a change."""
    last: LastAction | None = st.session_state.get("corrections_done")
    if last is None or last.before is None:
        return None
    before = last.before
    if last.now is None:
        corrections.restore(before)
        return LastAction(_message(_("Restored #{id} ({label})."), before))
    if before.state == REVIEW_REQUESTED:
        corrections.delete(last.now.id)
        corrections.restore(before)
        return LastAction(_message(_("Removed the label of #{id}."), before))
    corrections.relabel(before.id, before.label)
    if before.state == "accepted":
        corrections.accept(before.id)
    return LastAction(_message(_("Changed #{id} back to {label}."), before))


def _message(text: str, one: Correction, now: Correction | None = None) -> str:
    """Fill a correction, and what became of it, into a text."""
    now = now or one
    return text.format(id=one.id, label=one.label, other=now.id, new_label=now.label)


def render_paging(page: Page) -> None:
    """Render the buttons to newer and older corrections."""
    pages = st.session_state["corrections_pages"]
    if page.next is None and len(pages) == 1:
        return
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        st.button(_("Newer"), disabled=len(pages) == 1, key="newer", on_click=pages.pop)
        st.markdown(_("Page {number}").format(number=len(pages)), width="content")
        older = page.next
        st.button(
            _("Older"), disabled=older is None, key="older", on_click=pages.append, args=(older,)
        )


def _select_state() -> None:
    """Put the selected state into the URL, so that it can be shared."""
    selected = st.session_state["corrections_state"]
    if selected in STATES:
        st.query_params["state"] = selected
    else:
        st.query_params.pop("state", None)
    _go_to_first_page()


def _go_to_first_page() -> None:
    st.session_state["corrections_pages"] = [0]


render_page()
