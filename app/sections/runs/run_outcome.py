"""Outcome of a run: which version is live now and why, and how its corrections did."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.charts.accuracy_metric import accuracy_metric
from app.clients.classifier import version_of
from app.clients.gate import Gate
from app.clients.trainer import CorrectionUsage, Model, Result, Run
from app.login import visitor
from app.sections import promotion
from app.sections.teaching import own_classes
from app.text.formatting import bullets, counted, duration, out_of, percent, plain


@dataclass(frozen=True)
class Outcome:
    """`headline` says which version is live, `reasons` why.

    `is_candidate`: the new version was not promoted. `roll_back_to` is the version that was live
    before, None if the new one is not live or is the first.
    """

    headline: str
    reasons: tuple[str, ...] = ()
    is_candidate: bool = False
    roll_back_to: str | None = None


def render_run_outcome(run: Run, result: Result, models: Sequence[Model]) -> None:
    """Render the outcome. `models` are all versions now, possibly long after the run."""
    outcome = outcome_of(run, result, models)
    box = st.warning if outcome.is_candidate else st.success
    box(f"{outcome.headline}\n\n{bullets(outcome.reasons)}")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if outcome.roll_back_to and st.button(
            f"Roll back to {plain(outcome.roll_back_to)}",
            key="go_back",
            disabled=not visitor.may("operator"),
        ):
            promotion.promote(outcome.roll_back_to, note=_lost(outcome.roll_back_to, models))
        _render_link(result, models, is_candidate=outcome.is_candidate)
    _render_metrics(result, run.gate)
    if run.corrections is not None:
        render_correction_usage(run.corrections, run.gate)
    render_own_classes(run)


def _lost(version: str, models: Sequence[Model]) -> str:
    """Return which classes of the live version this one does not know."""
    live = next((model for model in models if model.champion), None)
    return next(
        (own_classes.lost_line(model, live) for model in models if model.version == version), ""
    )


def outcome_of(run: Run, result: Result, models: Sequence[Model]) -> Outcome:
    """Return which version is live after the run, as the trainer reports it now."""
    gate = run.gate
    new, before = result.model, gate.champion if gate else result.previous_model
    status = {model.tag: model.status for model in models}
    live = next((model.tag for model in models if model.champion), None)
    name = f"Version {plain(version_of(new))}"
    if live is None:
        return Outcome(f"No version is live. {name} is stored.")
    if live == new:
        back = version_of(before) if before in status and before is not None else None
        if gate is not None and not gate.promoted:
            return Outcome(
                f"{name} did not pass the checks. A person promoted it, and it is now live.",
                roll_back_to=back,
            )
        replaced = f" and replaces {plain(version_of(before))}" if before else ""
        reasons = gate.reasons if gate else ()
        return Outcome(f"{name} is now live{replaced}.", reasons, roll_back_to=back)
    other = f"Version {plain(version_of(live))} is {'still' if live == before else 'now'} live."
    if gate is not None and status.get(new) == "candidate":
        headline = f"{other} {name} is a candidate. Not promoted:"
        return Outcome(headline, gate.reasons, is_candidate=True)
    return Outcome(other)


def render_correction_usage(usage: CorrectionUsage, gate: Gate | None) -> None:
    """Render how many corrections the run used and how well it learned them.

    Nothing if there were none.
    """
    if not usage.used + usage.held_out + usage.quarantined:
        return
    st.write(correction_summary(usage, gate))
    if usage.quarantined:
        st.page_link(
            "views/corrections.py",
            label="Review corrections",
            icon=":material/arrow_forward:",
            query_params={"state": "quarantined"},
        )


def render_own_classes(run: Run) -> None:
    """Render how the new classes of a run did, and which ones lack pictures."""
    if lines := own_classes.run_lines(run):
        st.markdown("\n".join(f"- {line}" for line in lines))


def correction_summary(usage: CorrectionUsage, gate: Gate | None) -> str:
    """Return the same as text."""
    sentences = [f"{counted(usage.used, 'correction')} to learn from."]
    change = gate.corrections if gate else None
    if gate and change and change.before is not None and change.after is not None:
        total = gate.corrections_count
        sentences.append(
            f"Test corrections: {out_of(change.before, total)} right before, "
            f"{out_of(change.after, total)} now."
        )
    elif usage.held_out:
        sentences.append(f"Test corrections: {usage.held_out:,}.")
    if usage.quarantined:
        verb = "needs" if usage.quarantined == 1 else "need"
        sentences.append(f"{counted(usage.quarantined, 'correction')} {verb} review.")
    return " ".join(sentences)


def _render_link(result: Result, models: Sequence[Model], *, is_candidate: bool) -> None:
    version = version_of(result.model)
    if all(model.version != version for model in models):
        return
    name = plain(version)
    label = f"Compare {name} with the live version" if is_candidate else f"See version {name}"
    st.page_link(
        "views/models.py",
        label=label,
        icon=":material/arrow_forward:",
        query_params={"version": version},
    )


def _render_metrics(result: Result, gate: Gate | None) -> None:
    """Render accuracy before and after, on test corrections if there are any, and duration."""
    change = gate.corrections if gate is not None else None
    learned = change.after if change is not None else None
    before, after, *extra, took = st.columns(3 if learned is None else 4)
    previous = result.previous_accuracy
    text = "No model" if previous is None else percent(previous)
    before.metric("Accuracy before", text, border=True, height="stretch")
    with after:
        accuracy_metric("Accuracy after", result.accuracy, previous, border=True)
    if change is not None and learned is not None:
        with extra[0]:
            accuracy_metric("Test corrections", learned, change.before, border=True)
    took.metric("Duration", duration(result.seconds), border=True, height="stretch")
