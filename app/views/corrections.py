"""Corrections page: review, change, delete, export and import corrections."""

from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.clients import corrections, identity
from app.clients.corrections import Correction, ImportReport, Page
from app.clients.http import ServiceError
from app.components.gallery import Action, Card, gallery
from app.login import permission
from app.sections import model_status, trainer_notice
from app.sections.teaching import choices
from app.text.correction_states import REVIEW_REQUESTED, STATES, UNKNOWN
from app.text.formatting import ago, named, plain

PAGE_SIZE = 30
MAX_ARCHIVE_MB = 100
MAX_PROBLEMS = 5
"""Rows of an import that were refused: shown with the reason."""

_ALL = "all"
_SOURCES = {
    "pad": "drawn",
    "upload": "uploaded",
    "api": "sent by a program",
    "shadow": "flagged by the shadow model",
    "unknown": "unknown to the live model",
}
_ALL_CLASSES = "All classes"


@dataclass(frozen=True)
class LastAction:
    """The last action on a correction. `before` and `now` are set if it can be undone."""

    message: str
    before: Correction | None = None
    now: Correction | None = None


def render_page() -> None:
    """Render the whole page."""
    st.title("Corrections")
    st.write("Your corrections. One in five is reserved for testing; the rest train the model.")
    follow_link()
    choices.refresh()
    try:
        page = load_page()
    except ServiceError as error:
        trainer_notice.render_trainer_error(
            error, "Your corrections are safe, and the live model keeps answering."
        )
        return
    trainer_notice.render_state_problems()
    editable = permission.may("teacher", "Changing corrections")
    render_filters()
    render_import_message()
    if not sum(page.counts.values()):
        render_empty_state()
    elif not page.corrections:
        st.info("No corrections match.")
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
    render_archive(editable=editable)


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
            "State",
            [_ALL, *STATES],
            required=True,
            format_func=lambda state: STATES[state].title if state in STATES else "All",
            key="corrections_state",
            on_change=_select_state,
        )
        st.selectbox(
            "Class",
            [_ALL_CLASSES, *choices.names(model_status.class_names())],
            key="corrections_class",
            width=200,
            on_change=_go_to_first_page,
        )


def render_empty_state() -> None:
    """Render the message for a store, or a class, without corrections."""
    if st.session_state.get("corrections_class", _ALL_CLASSES) != _ALL_CLASSES:
        st.info("No corrections match.")
        return
    st.info(
        "No corrections yet. Draw or upload something on Classify, and say whether the answer "
        "is right."
    )


def summary(page: Page) -> str:
    """Return the number of corrections in each state, or the meaning of the selected state."""
    selected = st.session_state["corrections_state"]
    if selected in STATES:
        return STATES[selected].meaning
    present = ((state, count) for state, count in page.counts.items() if count)
    return " · ".join(f"{STATES[state].title}: {count:,}" for state, count in present)


def card(one: Correction) -> Card:
    """Return the gallery's card of a correction."""
    if one.state == REVIEW_REQUESTED:
        prediction = ""  # the reason names the answers of both versions
    elif one.predicted is None:
        prediction = "The model's answer is unknown"
    elif one.predicted == one.label:
        prediction = "The model agreed"
    else:
        prediction = f"The model said {one.predicted}"
    state = STATES.get(one.state, UNKNOWN)
    by = f" by {named(one.actor)}" if named(one.actor) else ""
    source = _SOURCES.get(one.source, f"from {one.source}")
    return Card(
        id=one.id,
        label=one.label,
        tone=state.tone,
        state=state.title,
        prediction=prediction,
        reason=one.reason or "",
        origin=f"{source}{by}, {ago(one.created_at)}",
        held_out=one.held_out and one.state != REVIEW_REQUESTED,  # not a correction yet
        acceptable=state.acceptable,
        unlabelled=one.state == REVIEW_REQUESTED,
        png=one.png,
    )


def handle_action(action: Action, page: Page) -> None:
    """Apply a click in the gallery and store the message about it, or about the error."""
    try:
        last = _undo() if action.name == "undo" else _apply(action, page)
    except ServiceError as error:
        last = LastAction(f"Nothing changed. {error.message}")
    st.session_state["corrections_done"] = last


def _apply(action: Action, page: Page) -> LastAction | None:
    one = next((it for it in page.corrections if it.id == action.id), None)
    if one is None:
        return None
    match action.name:
        case "delete":
            corrections.delete(one.id)
            return LastAction(f"Deleted #{one.id} ({one.label}).", one)
        case _ if one.state == REVIEW_REQUESTED:
            return _label_disagreement(action, one)
        case "accept":
            corrections.accept(one.id)
            return LastAction(f"Accepted #{one.id} as {one.label}.")
        case _:
            now = corrections.relabel(one.id, action.label)
            if now.id != one.id:
                message = f"Merged #{one.id} into #{now.id}, the same picture as {now.label}."
                return LastAction(message, one)
            return LastAction(f"Changed #{one.id} from {one.label} to {now.label}.", one, now)


def _label_disagreement(action: Action, one: Correction) -> LastAction:
    """Save a person's label for a picture that has none yet."""
    accepted = action.name == "accept"
    now = corrections.accept(one.id) if accepted else corrections.relabel(one.id, action.label)
    return LastAction(f"Saved #{one.id} as {now.label}.", one, now)


def _undo() -> LastAction | None:
    """Restore a deleted correction, or the class before a change."""
    last: LastAction | None = st.session_state.get("corrections_done")
    if last is None or last.before is None:
        return None
    before = last.before
    if last.now is None:
        corrections.restore(before)
        return LastAction(f"Restored #{before.id} ({before.label}).")
    if before.state == REVIEW_REQUESTED:
        corrections.delete(last.now.id)
        corrections.restore(before)
        return LastAction(f"Removed the label of #{before.id}.")
    corrections.relabel(before.id, before.label)
    if before.state == "accepted":
        corrections.accept(before.id)
    return LastAction(f"Changed #{before.id} back to {before.label}.")


def render_paging(page: Page) -> None:
    """Render the buttons to newer and older corrections."""
    pages = st.session_state["corrections_pages"]
    if page.next is None and len(pages) == 1:
        return
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        st.button("Newer", disabled=len(pages) == 1, key="newer", on_click=pages.pop)
        st.markdown(f"Page {len(pages)}", width="content")
        older = page.next
        st.button(
            "Older", disabled=older is None, key="older", on_click=pages.append, args=(older,)
        )


def render_archive(*, editable: bool) -> None:
    """Render export, and import for those who may change corrections."""
    with st.container(border=True, key="archive"):
        st.markdown("## Export and import" if editable else "## Export")
        st.write(
            "Export all corrections as a zip file. Importing one adds to what's here; "
            "nothing is replaced."
            if editable
            else "Export all corrections as a zip file."
        )
        st.download_button(
            "Export all",
            partial(corrections.export, identity.headers()),
            file_name="corrections.zip",
            mime="application/zip",
            on_click="ignore",
            key="export",
        )
        if not editable:
            return
        folded = st.expander("Import a zip file", key="import_folded", on_change="rerun")
        if folded.open:
            with folded:
                render_import_form()


def render_import_form() -> None:
    """Render the file chooser and the button that imports the file."""
    file = st.file_uploader(
        "A zip file that you exported here",
        type="zip",
        max_upload_size=MAX_ARCHIVE_MB,
        key=f"import_{st.session_state.get('imports', 0)}",
    )
    if file is not None:
        st.button("Import", type="primary", key="import", on_click=_import, args=(file,))


def render_import_message() -> None:
    """Render once what the last import did."""
    message = st.session_state.pop("corrections_imported", None)
    if message is not None:
        render, text = message
        render(plain(text))


def import_summary(report: ImportReport) -> str:
    """Return how many rows were imported, and for the first refused ones why."""
    counts = f"{report.added:,} added; {report.known:,} already here"
    if not report.refused:
        return f"{counts}."
    shown = report.problems[:MAX_PROBLEMS]
    reasons = " ".join(f"Row {it.row}: {it.reason}" for it in shown)
    more = f" And {report.refused - len(shown):,} more." if report.refused > len(shown) else ""
    return f"{counts}; {report.refused:,} refused. {reasons}{more}"


def _import(file: UploadedFile) -> None:
    try:
        report = corrections.import_archive(file.getvalue())
    except ServiceError as error:
        message = (st.error, f"Nothing was imported. {error.message}")
    else:
        message = (st.warning if report.refused else st.success, import_summary(report))
        st.session_state["imports"] = st.session_state.get("imports", 0) + 1
    st.session_state["corrections_imported"] = message
    _go_to_first_page()


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
