"""Table of all runs."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from app.clients.trainer import Run
from app.clients.version_names import version_name
from app.text.formatting import duration, moment, named, percent, zone_note
from app.text.translate import N_, _

SHOWN = 50
"""Runs in the table, the newest ones, until the others are asked for."""

_STATES = {
    "queued": N_("queued"),
    "running": N_("running"),
    "succeeded": N_("succeeded"),
    "failed": N_("failed"),
    "cancelled": N_("cancelled"),
    "interrupted": N_("interrupted"),
}


def render_history(runs: Sequence[Run]) -> None:
    """Render a table of the runs, newest first."""
    st.header(_("All runs"))
    if not runs:
        st.write(_("No runs yet."))
        return
    shown = runs if st.session_state.get("show_all_runs") else runs[:SHOWN]
    table = pd.DataFrame([_row(run) for run in shown])
    optional = (_("Decision"), _("Started by"), _("Problem"))
    empty = [name for name in optional if not table[name].any()]
    st.dataframe(
        table.drop(columns=empty),
        hide_index=True,
        column_config={_("Problem"): st.column_config.TextColumn(width="large")},
        alt=_("One row per run: start, state, recipe, epochs, accuracy, duration, version"),
    )
    st.caption(zone_note())
    if len(runs) > SHOWN:
        label = _("Show the newest {count:,} runs").format(count=len(runs))
        st.checkbox(label, key="show_all_runs")


def _row(run: Run) -> dict[str, object]:
    started: datetime = run.started_at or run.created_at
    state = _STATES.get(run.state)
    return {
        _("Started"): moment(started),
        _("State"): _(state) if state is not None else run.state,
        _("Recipe"): run.recipe,
        _("Epochs"): _("{done} of {total}").format(done=run.epochs_done, total=run.epochs_planned),
        _("Seed"): run.seed,
        _("Accuracy"): percent(run.result.accuracy) if run.result else "",
        _("Duration"): duration(run.seconds) if run.seconds is not None else "",
        _("Version"): version_name(run.result.model) if run.result else "",
        _("Decision"): _decision(run),
        _("Problem"): run.error or "",
        _("Started by"): named(run.actor) or "",
    }


def _decision(run: Run) -> str:
    if run.gate is None:
        return ""
    return _("promoted") if run.gate.promoted else _("not promoted")
