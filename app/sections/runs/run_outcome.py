"""Outcome of a run: which version is live now and why, and how its corrections did."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from app.clients.classifier import version_of
from app.clients.gate import Gate
from app.clients.trainer import CorrectionUsage, Model, Result, Run
from app.clients.version_names import version_name
from app.login import visitor
from app.sections import promotion
from app.sections.runs import before_after, review_first
from app.sections.teaching import own_classes
from app.text.formatting import duration, moment, named, out_of, percent, plain
from app.text.translate import _, ngettext


@dataclass(frozen=True)
class Outcome:
    """`headline` says which version is live, in Markdown; `reasons` are the gate's, why.

    `is_candidate`: the new version was not promoted. `roll_back_to` is the version that was live
    before, None if the new one is not live or is the first.
    """

    headline: str
    reasons: tuple[str, ...] = ()
    is_candidate: bool = False
    roll_back_to: str | None = None


def render_run_outcome(run: Run, result: Result, models: Sequence[Model]) -> None:
    """Render what needs a decision, then the outcome, what changed, and where to go from here.

    `models` are all versions now, possibly long after the run.
    """
    outcome = outcome_of(run, result, models)
    review_first.render_review(run)
    box = st.warning if outcome.is_candidate else st.success
    box(" ".join([outcome.headline, *_first_reason(outcome)]))
    before_after.render_before_after(run, result, models)
    st.html(_facts_html(run, result))
    render_own_classes(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        _render_actions(outcome, result, models)


def outcome_of(run: Run, result: Result, models: Sequence[Model]) -> Outcome:
    """Return which version is live after the run, as the trainer reports it now."""
    gate = run.gate
    new, before = result.model, gate.champion if gate else result.previous_model
    status = {model.tag: model.status for model in models}
    live = next((model.tag for model in models if model.champion), None)
    name = plain(version_name(new))
    if live is None:
        return Outcome(_("No version is live. {name} is stored.").format(name=name))
    if live == new:
        back = version_of(before) if before in status and before is not None else None
        if gate is not None and not gate.promoted:
            line = _("{name} did not pass the checks. A person promoted it, and it is now live.")
            return Outcome(line.format(name=name), roll_back_to=back)
        line = _("**{name}** is now live.").format(name=name)
        if before:
            line = _("**{name}** is now live and replaces {before}.").format(
                name=name, before=plain(version_name(before))
            )
        return Outcome(line, gate.reasons if gate else (), roll_back_to=back)
    live_name = plain(version_name(live))
    if gate is not None and status.get(new) == "candidate":
        line = (
            _("{live} is still live. **{name}** is a candidate. Not promoted:")
            if live == before
            else _("{live} is now live. **{name}** is a candidate. Not promoted:")
        )
        return Outcome(line.format(live=live_name, name=name), gate.reasons, is_candidate=True)
    line = _("{live} is still live.") if live == before else _("{live} is now live.")
    return Outcome(line.format(live=live_name))


def render_correction_usage(usage: CorrectionUsage) -> None:
    """Render how many corrections an active run uses; nothing if there are none."""
    if not usage.used + usage.held_out + usage.quarantined:
        return
    learned = ngettext(
        "{count:,} correction to learn from.", "{count:,} corrections to learn from.", usage.used
    )
    sentences = [learned.format(count=usage.used)]
    if usage.held_out:
        sentences.append(_("Test corrections: {count:,}.").format(count=usage.held_out))
    if usage.quarantined:
        needed = ngettext(
            "{count:,} correction needs review.",
            "{count:,} corrections need review.",
            usage.quarantined,
        )
        sentences.append(needed.format(count=usage.quarantined))
    st.write(" ".join(sentences))


def render_facts(run: Run) -> None:
    """Render which run it is, in one line: recipe, time, and who started it."""
    facts = [run.recipe, moment(run.started_at or run.created_at)]
    if run.background:
        facts.append(_("started by itself"))
    elif (name := named(run.actor)) is not None:
        facts.append(_("started by {name}").format(name=name))
    st.caption(plain(" · ".join(facts)))


def render_own_classes(run: Run) -> None:
    """Render how the new classes of a run did, and which ones lack pictures."""
    lines = own_classes.run_lines(run)
    if len(lines) == 1:
        st.markdown(lines[0])
    elif lines:
        st.markdown("\n".join(f"- {line}" for line in lines))


def corrected_line(gate: Gate | None) -> str:
    """Return how many test corrections are right before and after; empty if none was measured."""
    change = gate.corrections if gate is not None else None
    if gate is None or change is None or change.before is None or change.after is None:
        return ""
    total = gate.corrections_count
    return _("Test corrections: {before} right before, {after} now.").format(
        before=out_of(change.before, total), after=out_of(change.after, total)
    )


def _first_reason(outcome: Outcome) -> list[str]:
    """Return the first reason in Markdown, and how many more there are."""
    if not outcome.reasons:
        return []
    more = len(outcome.reasons) - 1
    line = ngettext("And {count} more reason.", "And {count} more reasons.", more)
    return [plain(outcome.reasons[0]), *([line.format(count=more)] if more else [])]


def _facts_html(run: Run, result: Result) -> str:
    """Return what the run measured and used, as a list of names and values."""
    facts = {_("Accuracy"): _change(result.previous_accuracy, result.accuracy)}
    gate = run.gate
    if gate is not None and gate.corrections.after is not None:
        total, before = gate.corrections_count, gate.corrections.before
        after = out_of(gate.corrections.after, total)
        facts[_("Test corrections")] = (
            after if before is None else f"{out_of(before, total)} → {after}"
        )
    if run.corrections is not None and run.corrections.used:
        facts[_("Corrections learned")] = f"{run.corrections.used:,}"
    facts[_("Duration")] = duration(result.seconds)
    items = (
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    return f'<dl class="facts">{"".join(items)}</dl>'


def _change(before: float | None, after: float) -> str:
    return percent(after) if before is None else f"{percent(before)} → {percent(after)}"


def _render_actions(outcome: Outcome, result: Result, models: Sequence[Model]) -> None:
    """Render where to go from here: try it, see it or compare it, roll back."""
    version = version_of(result.model)
    name = plain(version_name(result.model))
    is_live = any(model.champion and model.tag == result.model for model in models)
    if is_live:
        st.page_link("views/classify.py", label=_("Try it now"), icon=":material/draw:")
    if any(model.version == version for model in models):
        compare = _("Compare {name} with the live version")
        label = compare if outcome.is_candidate else _("See {name}")
        st.page_link(
            "views/models.py",
            label=label.format(name=name),
            icon=":material/arrow_forward:",
            query_params={"version": version},
        )
    if outcome.roll_back_to and st.button(
        _("Roll back to {name}").format(name=plain(version_name(outcome.roll_back_to))),
        key="go_back",
        disabled=not visitor.may("operator"),
    ):
        promotion.promote(outcome.roll_back_to, note=_lost(outcome.roll_back_to, models))


def _lost(version: str, models: Sequence[Model]) -> str:
    """Return which classes of the live version this one does not know."""
    live = next((model for model in models if model.champion), None)
    return next(
        (own_classes.lost_line(model, live) for model in models if model.version == version), ""
    )
