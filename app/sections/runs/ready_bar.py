"""A quiet bar on Classify: corrections are ready, retrain right here, and what came of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import settings
from app.clients import corrections, trainer
from app.clients.classifier import Ready
from app.clients.corrections import USABLE_STATES, Correction, Page
from app.clients.http import ServiceError
from app.clients.trainer import Recipe, Run
from app.clients.version_names import version_name
from app.login import visitor
from app.sections import model_status
from app.sections.runs import run_outcome, run_progress, starting
from app.sections.teaching import choices
from app.text.formatting import plain, remaining
from app.text.translate import _, ngettext

RECIPE = "finetune"
IDLE_SECONDS = 3.0
ACTIVE_SECONDS = 1.0
MAX_COUNTED = 1000
"""Corrections that are looked through, newest first."""

_PAGE_SIZE = 500  # the trainer's limit
_KEPT_KEY = "ready_bar"


@dataclass
class _Kept:
    """What the bar remembers from one refresh to the next.

    `count` is the number of corrections that the live version has not learned, `counted` the state
    of the store and the version for which that holds. `run_id` is the run that was last started
    here, `run` that run as it was last seen, `settled` what `count` was after it.
    """

    count: int = 0
    counted: object = None
    run_id: str | None = None
    run: Run | None = None
    settled: int | None = None

    def refresh_run(self) -> None:
        """Fetch the run that was started here, until it has ended. Raises ServiceError."""
        if self.run_id is not None and (self.run is None or self.run.is_active):
            self.run = trainer.run(self.run_id)

    def shows_outcome(self) -> bool:
        """Return whether the run has ended and nothing was corrected since."""
        if self.run is None or self.run.is_active:
            return False
        # The page notices the new version a moment later: then nothing is ready any more.
        self.settled = self.count if self.settled is None else min(self.settled, self.count)
        return self.count <= self.settled


def render_ready_bar() -> None:
    """Render the bar, which refreshes itself; nothing while there is nothing to learn from."""
    st.html(Path(__file__).with_suffix(".css"))
    st.fragment(_render, run_every=IDLE_SECONDS)()


def _render() -> None:
    kept: _Kept = st.session_state.setdefault(_KEPT_KEY, _Kept())
    try:
        kept.refresh_run()
        is_own = kept.run is not None and kept.run.is_active
        latest = kept.run if is_own else starting.latest_run()
        _count(kept)
    except ServiceError:
        return
    is_busy = latest is not None and latest.is_active and not latest.background
    if latest is not None and is_busy and (is_own or kept.count):
        st.fragment(_render_active, run_every=ACTIVE_SECONDS)(latest.run_id)
    elif kept.run is not None and kept.shows_outcome():
        _render_outcome(kept.run)
    elif kept.count:
        _render_ready(kept.count)


def _render_active(run_id: str) -> None:
    """Render how far a run is; once it has ended, its outcome if it was started here."""
    kept: _Kept = st.session_state[_KEPT_KEY]
    try:
        run = trainer.run(run_id)
    except ServiceError:
        return
    if run.run_id == kept.run_id:
        kept.run = run
        if kept.shows_outcome():
            _render_outcome(run)
            return
    with _bar():
        if run.run_id != kept.run_id:
            st.markdown(_("Another run is in progress."), width="content")
        run_progress.render_progress(run)


def _render_ready(count: int) -> None:
    line = ngettext("{count:,} correction ready", "{count:,} corrections ready", count)
    with _bar():
        st.markdown(f"**{line.format(count=count)}**", width="content")
        if visitor.may("operator"):
            st.button(_button_label(), key="retrain_here", on_click=_start)
        else:
            st.caption(_("Training needs the role operator."), width="content")


def _render_outcome(run: Run) -> None:
    with _bar():
        st.markdown(_outcome_line(run), width="stretch")
        st.page_link(
            "views/retrain.py", label=_("See what changed"), icon=":material/arrow_forward:"
        )


def _outcome_line(run: Run) -> str:
    """Return in one line how a run ended, in Markdown."""
    if run.result is None:
        return plain(run_progress.end_message(run))
    name, gate = plain(version_name(run.result.model)), run.gate
    if gate is not None and not gate.promoted:
        line = _("**{name}** was not promoted. {reason}")
        return line.format(name=name, reason=plain(next(iter(gate.reasons), "")))
    line = _("**{name}** is live.").format(name=name)
    return f"{line} {run_outcome.corrected_line(gate)}".strip()


def _start() -> None:
    kept: _Kept = st.session_state[_KEPT_KEY]
    run_id = starting.start(RECIPE)
    if (message := starting.take_error()) is not None:
        st.toast(plain(message))
    if run_id is not None:
        kept.run_id, kept.run, kept.settled = run_id, None, None


def _button_label() -> str:
    """Return the label, with the duration that such runs had on this machine."""
    try:
        recipe = next(one for one in _recipes(settings.get("TRAINER_URL")) if one.name == RECIPE)
    except (ServiceError, StopIteration):
        return _("Retrain")
    if recipe.estimated_seconds is None:
        return _("Retrain")
    return _("Retrain (about {duration})").format(duration=remaining(recipe.estimated_seconds))


@st.cache_data(ttl=10.0, show_spinner=False)
def _recipes(trainer_url: str) -> list[Recipe]:
    """Shared by all visitors."""
    return trainer.recipes()


def _count(kept: _Kept) -> None:
    """Count the corrections that the live version has not learned. Raises ServiceError."""
    state = model_status.current_state()
    if not isinstance(state, Ready):
        kept.count, kept.counted = 0, None
        return
    page = corrections.page(limit=1)
    learned = frozenset(state.metadata.get("corrections_used") or ())
    waiting = _waiting(state.metadata.get("class_names") or ())
    newest = [one.id for one in page.corrections]
    now = (state.tag, waiting, tuple(sorted(page.counts.items())), newest)
    if kept.counted != now:
        kept.count, kept.counted = _unlearned(page, learned, waiting), now


def _waiting(live: Collection[str]) -> dict[str, int]:
    """Return the pictures of each own class that has too few of them for a run to learn it."""
    if choices.listed() is None:
        choices.refresh()  # the page does so too, further down
    listed = choices.listed()
    every = listed.classes if listed is not None else ()
    return {
        one.name: one.pictures.usable
        for one in every
        if one.is_own and one.pictures.needed and not {one.name, *one.aliases} & set(live)
    }


def _unlearned(page: Page, learned: frozenset[str], waiting: Mapping[str, int]) -> int:
    """Return how many usable corrections a run could learn that a version has not learned.

    No version learns test corrections: those count that are newer than what it has learned.
    """
    if not learned or not page.usable:
        return page.usable - sum(waiting.values())
    rows = [it for it in _newest() if it.state in USABLE_STATES and it.label not in waiting]
    known = {one.id for one in rows if f"{one.content_hash}:{one.label}" in learned}
    latest = max((one.created_at for one in rows if one.id in known), default=None)
    return sum(
        latest is None or one.created_at > latest if one.held_out else one.id not in known
        for one in rows
    )


def _newest() -> list[Correction]:
    """Return the newest corrections. Raises ServiceError."""
    found: list[Correction] = []
    after: int | None = 0
    while after is not None and len(found) < MAX_COUNTED:
        page = corrections.page(after=after, limit=_PAGE_SIZE)
        found += page.corrections
        after = page.next
    return found


def _bar() -> DeltaGenerator:
    return st.container(
        border=True, horizontal=True, vertical_alignment="center", gap="medium", key="ready_bar"
    )
