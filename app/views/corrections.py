"""Corrections: every picture that somebody said something of; look, change, take out."""

from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.clients import corrections
from app.clients.corrections import Correction, Page
from app.clients.http import ServiceError
from app.components.gallery import Action, Card, gallery
from app.sections import model_status, trainer_notice
from app.text.correction_states import REVIEW_REQUESTED, STATES, UNKNOWN
from app.text.formatting import ago, plain

AT_A_TIME = 30
LARGEST_ARCHIVE_MB = 100

_ALL = "all"
_SOURCES = {
    "pad": "drawn",
    "upload": "uploaded",
    "api": "sent by a program",
    "shadow": "asked by the shadow",
}
_EVERY_CLASS = "Every class"


@dataclass(frozen=True)
class Done:
    """The last thing that was done, and the correction as it was before, if it can be undone."""

    text: str
    before: Correction | None = None
    now: Correction | None = None


def page() -> None:
    """The whole page."""
    st.title("Corrections")
    st.write(
        "What people said that pictures show. Runs learn from new and accepted ones; one in five "
        "is kept for testing instead, and tells how well the others were learned. What looks wrong "
        "is set aside with the reason, and used only if you accept it. A picture on which two "
        "versions disagree is in question until somebody says what it shows."
    )
    follow_link()
    try:
        shown = look()
    except ServiceError as error:
        trainer_notice.show(error, "What was kept is kept, and the model goes on answering.")
        return
    filters()
    tell_import()
    if not sum(shown.counts.values()):
        nothing_there()
    elif not shown.corrections:
        st.info("None is like that.")
    else:
        st.caption(caption(shown))
    # Mounted even when empty: the last one may have been deleted, and there is Undo.
    done: Done | None = st.session_state.get("corrections_done")
    gallery(
        [card(one) for one in shown.corrections],
        model_status.class_names(),
        notice=done.text if done else None,
        undoable=done is not None and done.before is not None,
        on_action=lambda action: act(action, shown),
        key="gallery",
    )
    paging(shown)
    move()


def follow_link() -> None:
    """Chooses the state that the address names, as in `/corrections?state=quarantined`."""
    named = st.query_params.get("state", _ALL)
    wanted = named if named in STATES else _ALL
    if st.session_state.get("corrections_state") != wanted:
        st.session_state["corrections_state"] = wanted
        _to_the_first_page()


def look() -> Page:
    """The page that is chosen. One that has become empty gives way to the one before it."""
    state = st.session_state.get("corrections_state", _ALL)
    label = st.session_state.get("corrections_class", _EVERY_CLASS)
    pages = st.session_state.setdefault("corrections_pages", [0])
    while True:
        found = corrections.page(
            state=None if state == _ALL else state,
            label=None if label == _EVERY_CLASS else label,
            after=pages[-1],
            limit=AT_A_TIME,
        )
        if found.corrections or len(pages) == 1:
            return found
        pages.pop()


def filters() -> None:
    """Which ones to see."""
    with st.container(horizontal=True, gap="medium"):
        st.segmented_control(
            "State",
            [_ALL, *STATES],
            required=True,
            format_func=lambda state: STATES[state].title if state in STATES else "All",
            key="corrections_state",
            on_change=_choose_state,
        )
        st.selectbox(
            "Class",
            [_EVERY_CLASS, *model_status.class_names()],
            key="corrections_class",
            width=200,
            on_change=_to_the_first_page,
        )


def nothing_there() -> None:
    """The place of the gallery before there is anything in it."""
    if st.session_state.get("corrections_class", _EVERY_CLASS) != _EVERY_CLASS:
        st.info("None is of that class.")
        return
    st.info(
        "Nothing is kept yet. Draw or upload something on Classify and say under the answer "
        "whether it is right."
    )


def caption(shown: Page) -> str:
    """How many there are of each kind; or what the one kind that is shown means."""
    chosen = st.session_state["corrections_state"]
    if chosen in STATES:
        return STATES[chosen].meaning
    there = ((state, count) for state, count in shown.counts.items() if count)
    return " · ".join(f"{count:,} {STATES[state].title.lower()}" for state, count in there)


def card(one: Correction) -> Card:
    """A correction in the gallery's words."""
    if one.state == REVIEW_REQUESTED:
        said = ""  # the reason tells what either version says
    elif one.predicted is None:
        said = "The model's answer is not known"
    elif one.predicted == one.label:
        said = "The model said so too"
    else:
        said = f"The model said {one.predicted}"
    state = STATES.get(one.state, UNKNOWN)
    source = _SOURCES.get(one.source, f"by {one.source}")
    return Card(
        id=one.id,
        label=one.label,
        tone=state.tone,
        state=state.title,
        said=said,
        reason=one.reason or "",
        origin=f"{source}, {ago(one.created_at)}",
        held_out=one.held_out and one.state != REVIEW_REQUESTED,  # it is not kept yet
        acceptable=state.acceptable,
        asks=one.state == REVIEW_REQUESTED,
        png=one.png,
    )


def act(action: Action, shown: Page) -> None:
    """Does what was clicked in the gallery, and notes what it was, or why it was not done."""
    try:
        done = _undone() if action.name == "undo" else _done(action, shown)
    except ServiceError as error:
        done = Done(f"Nothing was changed. {error.message}")
    st.session_state["corrections_done"] = done


def _done(action: Action, shown: Page) -> Done | None:
    one = next((it for it in shown.corrections if it.id == action.id), None)
    if one is None:
        return None
    match action.name:
        case "delete":
            corrections.delete(one.id)
            return Done(f"Number {one.id}, {one.label}, is deleted.", one)
        case _ if one.state == REVIEW_REQUESTED:
            return _answered(action, one)
        case "accept":
            corrections.accept(one.id)
            return Done(f"Number {one.id} is accepted as {one.label}.")
        case _:
            now = corrections.relabel(one.id, action.label)
            if now.id != one.id:
                return Done(f"Number {now.id} said {now.label} already: they are one now.", one)
            return Done(f"Number {one.id} is {now.label} now, not {one.label}.", one, now)


def _answered(action: Action, one: Correction) -> Done:
    """Keeps what a person says of a picture that was in question."""
    accepted = action.name == "accept"
    now = corrections.accept(one.id) if accepted else corrections.relabel(one.id, action.label)
    return Done(f"Number {one.id} is {now.label}: kept.", one, now)


def _undone() -> Done | None:
    """Brings back what was deleted, or the class that was changed."""
    done: Done | None = st.session_state.get("corrections_done")
    if done is None or done.before is None:
        return None
    before = done.before
    if done.now is None:
        corrections.restore(before)
        return Done(f"Number {before.id}, {before.label}, is back.")
    if before.state == REVIEW_REQUESTED:
        corrections.delete(done.now.id)
        corrections.restore(before)
        return Done(f"Number {before.id} is in question again.")
    corrections.relabel(before.id, before.label)
    if before.state == "accepted":
        corrections.accept(before.id)
    return Done(f"Number {before.id} is {before.label} again.")


def paging(shown: Page) -> None:
    """The way to older ones and back."""
    pages = st.session_state["corrections_pages"]
    if shown.next is None and len(pages) == 1:
        return
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        st.button("Newer", disabled=len(pages) == 1, key="newer", on_click=pages.pop)
        st.markdown(f"Page {len(pages)}", width="content")
        older = shown.next
        st.button(
            "Older", disabled=older is None, key="older", on_click=pages.append, args=(older,)
        )


def move() -> None:
    """All of them to a file, and from a file."""
    with st.container(border=True, key="archive"):
        st.markdown("## Take them along")
        st.write("As a zip archive of pictures and one table. Taken back, what is here stays.")
        st.download_button(
            "Download all",
            corrections.export,
            file_name="corrections.zip",
            mime="application/zip",
            on_click="ignore",
            key="export",
        )
        folded = st.expander("Take an archive back", key="import_folded", on_change="rerun")
        if folded.open:
            with folded:
                choose_archive()


def choose_archive() -> None:
    """A file, and the button that sends it."""
    file = st.file_uploader(
        "A zip archive as it was downloaded here",
        type="zip",
        max_upload_size=LARGEST_ARCHIVE_MB,
        key=f"import_{st.session_state.get('imports', 0)}",
    )
    if file is not None:
        st.button("Import", type="primary", key="import", on_click=_import, args=(file,))


def tell_import() -> None:
    """What the last import did."""
    told = st.session_state.pop("corrections_imported", None)
    if told is not None:
        good, text = told
        (st.success if good else st.error)(plain(text))


def _import(file: UploadedFile) -> None:
    try:
        added, known = corrections.import_archive(file.getvalue())
    except ServiceError as error:
        told = (False, f"Nothing was imported. {error.message}")
    else:
        told = (True, f"{added:,} added; {known:,} were here already.")
        st.session_state["imports"] = st.session_state.get("imports", 0) + 1
    st.session_state["corrections_imported"] = told
    _to_the_first_page()


def _choose_state() -> None:
    """The address goes with the choice, so that it can be sent to somebody."""
    chosen = st.session_state["corrections_state"]
    if chosen in STATES:
        st.query_params["state"] = chosen
    else:
        st.query_params.pop("state", None)
    _to_the_first_page()


def _to_the_first_page() -> None:
    st.session_state["corrections_pages"] = [0]


page()
