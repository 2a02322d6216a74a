"""What came of a run: which version is served now and why, and what its corrections did."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.charts.accuracy_metric import accuracy_metric
from app.clients.classifier import version_of
from app.clients.gate import Gate
from app.clients.trainer import CorrectionUsage, Model, Result, Run
from app.sections import promotion
from app.text.formatting import bullets, counted, duration, percent


@dataclass(frozen=True)
class Outcome:
    """`line` says which version is served now, `reasons` why.

    `waits`: the new version was held back and waits as a candidate. `back` is the version that one
    click goes back to, None if the new one is not served or there is none before it.
    """

    line: str
    reasons: tuple[str, ...] = ()
    waits: bool = False
    back: str | None = None


def show(run: Run, result: Result, models: Sequence[Model]) -> None:
    """All of it. `models` are the versions as they are now, which may be long after the run."""
    outcome = outcome_of(run, result, models)
    tell = st.warning if outcome.waits else st.success
    tell(f"{outcome.line}\n\n{bullets(outcome.reasons)}")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if outcome.back and st.button(f"Go back to {outcome.back}", key="go_back"):
            promotion.promote(outcome.back)
        _link(result, models, waits=outcome.waits)
    _figures(result, run.gate)
    if run.corrections is not None:
        taught(run.corrections, run.gate)


def outcome_of(run: Run, result: Result, models: Sequence[Model]) -> Outcome:
    """Which version is served after the run, by what the trainer knows now."""
    gate = run.gate
    new, before = result.model, gate.champion if gate else result.previous_model
    status = {model.tag: model.status for model in models}
    served = next((model.tag for model in models if model.champion), None)
    made = f"Version {version_of(new)}"
    if served is None:
        return Outcome(f"No version is served. {made} is stored.")
    if served == new:
        back = version_of(before) if before in status and before is not None else None
        if gate is not None and not gate.promoted:
            return Outcome(
                f"{made} was held back. A person promoted it: it is served now.", back=back
            )
        instead = f", instead of {version_of(before)}" if before else ""
        return Outcome(f"{made} is served now{instead}.", gate.reasons if gate else (), back=back)
    other = f"Version {version_of(served)} is {'still' if served == before else 'now'} served."
    if gate is not None and status.get(new) == "candidate":
        return Outcome(f"{other} {made} waits as a candidate because:", gate.reasons, waits=True)
    return Outcome(other)


def taught(corrections: CorrectionUsage, gate: Gate | None) -> None:
    """How many corrections were used and how well they were learned; the way to the others.

    Nothing where there were none at all.
    """
    if not corrections.used + corrections.held_out + corrections.quarantined:
        return
    st.write(taught_line(corrections, gate))
    if corrections.quarantined:
        st.page_link(
            "views/corrections.py",
            label="Look at what was set aside",
            icon=":material/arrow_forward:",
            query_params={"state": "quarantined"},
        )


def taught_line(corrections: CorrectionUsage, gate: Gate | None) -> str:
    """The same in words."""
    change = gate.corrections if gate else None
    line = f"{counted(corrections.used, 'correction')} to learn from"
    if corrections.held_out:
        line += f", {corrections.held_out:,} kept for testing"
    if change and change.before is not None and change.after is not None:
        line += (
            f" ({percent(change.before)} of them named right before, {percent(change.after)} after)"
        )
    if corrections.quarantined:
        line += f", {corrections.quarantined:,} set aside because they look wrong"
    return f"{line}."


def _link(result: Result, models: Sequence[Model], *, waits: bool) -> None:
    version = version_of(result.model)
    if all(model.version != version for model in models):
        return
    label = f"See what {version} does better and worse" if waits else f"See version {version}"
    st.page_link(
        "views/models.py",
        label=label,
        icon=":material/arrow_forward:",
        query_params={"version": version},
    )


def _figures(result: Result, gate: Gate | None) -> None:
    """Accuracy before and after; on the corrections that are kept for testing, if there are any."""
    kept = gate.corrections if gate is not None else None
    learned = kept.after if kept is not None else None
    before, after, *beside, took = st.columns(3 if learned is None else 4)
    known = "no model" if result.previous_accuracy is None else percent(result.previous_accuracy)
    before.metric("Accuracy before", known, border=True, height="stretch")
    with after:
        accuracy_metric("Accuracy after", result.accuracy, result.previous_accuracy, border=True)
    if kept is not None and learned is not None:
        with beside[0]:
            accuracy_metric("On kept corrections", learned, kept.before, border=True)
    took.metric("It took", duration(result.seconds), border=True, height="stretch")
