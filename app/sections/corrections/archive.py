"""Export and import of all corrections, as a zip file."""

from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.clients import corrections, identity
from app.clients.corrections import ImportReport
from app.clients.http import ServiceError
from app.text.formatting import plain
from app.text.translate import _, ngettext

MAX_ARCHIVE_MB = 100
MAX_PROBLEMS = 5
"""Rows of an import that were refused: shown with the reason."""


def render_archive(*, editable: bool, on_import: Callable[[], None]) -> None:
    """Render export, and import for those who may change corrections.

    `on_import` runs after an import, before the page reruns.
    """
    with st.container(border=True, key="archive"):
        st.markdown(f"## {_('Export and import') if editable else _('Export')}")
        st.write(
            _(
                "Export all corrections as a zip file. Importing one adds to what's here; "
                "nothing is replaced."
            )
            if editable
            else _("Export all corrections as a zip file.")
        )
        st.download_button(
            _("Export all"),
            partial(corrections.export, identity.headers()),
            file_name="corrections.zip",
            mime="application/zip",
            on_click="ignore",
            key="export",
        )
        if not editable:
            return
        folded = st.expander(_("Import a zip file"), key="import_folded", on_change="rerun")
        if folded.open:
            with folded:
                _render_import_form(on_import)


def _render_import_form(on_import: Callable[[], None]) -> None:
    """Render the file chooser and the button that imports the file."""
    file = st.file_uploader(
        _("A zip file that you exported here"),
        type="zip",
        max_upload_size=MAX_ARCHIVE_MB,
        key=f"import_{st.session_state.get('imports', 0)}",
    )
    if file is not None:
        st.button(
            _("Import"), type="primary", key="import", on_click=_import, args=(file, on_import)
        )


def render_import_message() -> None:
    """Render once what the last import did."""
    message = st.session_state.pop("corrections_imported", None)
    if message is not None:
        render, text = message
        render(plain(text))


def _import_summary(report: ImportReport) -> str:
    """Return how many rows were imported, and for the first refused ones why."""
    if not report.refused:
        return _("{added:,} added; {known:,} already here.").format(
            added=report.added, known=report.known
        )
    shown = report.problems[:MAX_PROBLEMS]
    sentences = [
        _("{added:,} added; {known:,} already here; {refused:,} refused.").format(
            added=report.added, known=report.known, refused=report.refused
        ),
        *(_("Row {row}: {reason}").format(row=it.row, reason=it.reason) for it in shown),
    ]
    if more := report.refused - len(shown):
        sentences.append(
            ngettext("And {count:,} more.", "And {count:,} more.", more).format(count=more)
        )
    return " ".join(sentences)


def _import(file: UploadedFile, on_import: Callable[[], None]) -> None:
    try:
        report = corrections.import_archive(file.getvalue())
    except ServiceError as error:
        message = (st.error, _("Nothing was imported. {reason}").format(reason=error.message))
    else:
        message = (st.warning if report.refused else st.success, _import_summary(report))
        st.session_state["imports"] = st.session_state.get("imports", 0) + 1
    st.session_state["corrections_imported"] = message
    on_import()
