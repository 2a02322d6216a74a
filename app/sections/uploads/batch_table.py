"""Several uploaded pictures: their answers as they come, and the classes that people give them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from app.clients import identity
from app.clients.batch import Batch, Progress
from app.clients.classifier import Answer, Failed, PictureFile
from app.components.picture_table import Row, picture_table
from app.login import permission
from app.sections import model_status
from app.sections.teaching import choices
from app.sections.teaching import progress as class_progress
from app.sections.uploads import batch_results, row_corrections
from app.sections.uploads.batch_results import Outcome
from app.text.formatting import percent
from app.text.images import NEUTRAL_TILE, data_url
from app.text.translate import _

FIRST_WAIT_SECONDS = 1.0
POLL_SECONDS = 1.0
ROWS_ON_A_PAGE = 30

_BATCH_KEY = "batch"
_PAGE_KEY = "batch_page"

# The ids of the files of a batch, and the tag of the live version.
Question = tuple[tuple[str, ...], str | None]


def render_batch(files: Mapping[str, PictureFile]) -> None:
    """Render the table of the files, by their ids; it fills itself."""
    question = (tuple(files), model_status.live_tag())
    before: tuple[Question, Batch] | None = st.session_state.get(_BATCH_KEY)
    if before is not None and before[0] == question:
        batch = before[1]
    else:
        known = before[1].progress() if before is not None else Progress()
        if before is not None and before[0][1] != question[1]:
            known = replace(known, outcomes={})  # another version is live
        batch = _start(question, files, known)
        if len(files) <= ROWS_ON_A_PAGE:
            batch.wait(FIRST_WAIT_SECONDS)  # a few small pictures need no progress bar
    polling = batch.progress().running
    st.fragment(_render_table, run_every=POLL_SECONDS if polling else None)(polling)


def stop() -> None:
    """Classify no more pictures, and forget those that are done."""
    before = st.session_state.pop(_BATCH_KEY, None)
    if before is not None:
        before[1].stop()


def _render_table(polling: bool) -> None:
    question, batch = st.session_state[_BATCH_KEY]
    files, progress = batch.files, batch.progress()
    if polling and not progress.running:
        st.rerun()  # ends the polling
    outcomes = {
        key: batch_results.in_words(files[key], it) for key, it in progress.outcomes.items()
    }
    keys = list(files)
    if progress.running:
        batch_results.render_progress(files, progress)
    else:
        keys.sort(key=lambda key: batch_results.place(outcomes[key]))
        _render_summary(outcomes.values(), progress, question, batch)
    page = _page_of(keys)
    editable = permission.may("teacher", _("Correcting an answer"))
    picture_table(
        [_row(key, files[key], outcomes.get(key), progress, editable=editable) for key in page],
        choices.names(model_status.class_names()),
        on_action=lambda action: row_corrections.apply(action, files, progress),
        key="pictures",
    )
    _render_pager(len(keys))
    if not progress.running:
        _render_download(keys, files, outcomes)


def _render_summary(
    outcomes: Collection[Outcome], progress: Progress, question: Question, batch: Batch
) -> None:
    """Render the summary, a button if pictures got no answer, and what a new class needs."""
    batch_results.render_summary(outcomes, progress.seconds)
    if any(isinstance(outcome, Failed) for outcome in outcomes):
        again = _("Ask again for those without an answer")
        st.button(again, key="again", on_click=_ask_again, args=(question, batch.files, progress))
    label = row_corrections.last_label()
    if label is not None:
        class_progress.render_progress(label, model_status.class_names())


def _render_download(
    keys: Sequence[str], files: Mapping[str, PictureFile], outcomes: Mapping[str, Outcome]
) -> None:
    in_order = [files[key] for key in keys], [outcomes[key] for key in keys]
    st.download_button(
        _("Download as CSV"),
        partial(batch_results.results_csv, *in_order),
        file_name="wardrobe.csv",
        mime="text/csv",
        on_click="ignore",
        key="csv",
    )


def _row(
    key: str,
    file: PictureFile,
    outcome: Outcome | None,
    progress: Progress,
    *,
    editable: bool,
) -> Row:
    seen = progress.inputs.get(key)
    row = Row(
        key,
        file.name,
        picture=progress.thumbnails.get(key, NEUTRAL_TILE),
        seen="" if seen is None else data_url(seen),
    )
    if not isinstance(outcome, Answer):
        return replace(row, says=_("Waiting …") if outcome is None else outcome.error)
    unknown, label = batch_results.is_unknown(outcome), choices.current_name(outcome.label)
    tag = _("Unknown") if unknown else _("Unsure") if batch_results.is_unsure(outcome) else ""
    sure = _("{percent} sure").format(percent=percent(outcome.confidence))
    correction = row_corrections.of(key)
    return replace(
        row,
        label=label or outcome.label,
        share=outcome.confidence,
        sure=_("The nearest class") if unknown else sure,
        tag=tag,
        known=not unknown,
        saved=correction.summary,
        undoable=correction.saved is not None and correction.saved.new,
        error=correction.error,
        confirmable=not unknown and label is not None,
        teachable=editable and correction.saved is None,
    )


def _page_of(keys: Sequence[str]) -> Sequence[str]:
    """Return the pictures on the page of the table that is shown."""
    first = min(st.session_state.get(_PAGE_KEY, 0), (len(keys) - 1) // ROWS_ON_A_PAGE)
    st.session_state[_PAGE_KEY] = first
    return keys[first * ROWS_ON_A_PAGE : (first + 1) * ROWS_ON_A_PAGE]


def _render_pager(count: int) -> None:
    if count <= ROWS_ON_A_PAGE:
        return
    page, last = st.session_state[_PAGE_KEY], (count - 1) // ROWS_ON_A_PAGE
    with st.container(horizontal=True, vertical_alignment="center", key="pictures_pages"):
        st.button(
            _("Previous"), disabled=page == 0, key="page_before", on_click=_turn, args=(page - 1,)
        )
        st.button(
            _("Next"), disabled=page == last, key="page_after", on_click=_turn, args=(page + 1,)
        )
        end = min((page + 1) * ROWS_ON_A_PAGE, count)
        text = _("Pictures {first} to {last} of {count}")
        st.caption(
            text.format(first=f"{page * ROWS_ON_A_PAGE + 1:,}", last=f"{end:,}", count=f"{count:,}")
        )


def _turn(page: int) -> None:
    st.session_state[_PAGE_KEY] = page


def _ask_again(question: Question, files: Mapping[str, PictureFile], known: Progress) -> None:
    _start(question, files, known)


def _start(question: Question, files: Mapping[str, PictureFile], known: Progress | None) -> Batch:
    """Start to classify files in place of what was classified before, whose answers stay."""
    before = st.session_state.pop(_BATCH_KEY, None)
    if before is not None:
        before[1].stop()
    row_corrections.forget_others(files)
    batch = Batch(files, known, identity.headers())  # its threads have no visitor
    st.session_state[_BATCH_KEY] = (question, batch)
    return batch
