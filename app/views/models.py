"""Models: every version there is, which one is served, and the way to another."""

from html import escape

import plotly.graph_objects as go
import streamlit as st

from app import badge, classifier, trainer, trainer_notice
from app.accuracy import accuracy_metric
from app.classifier import version_of
from app.components.chart import chart
from app.connection import ServiceError
from app.trainer import Model
from app.wording import ago, duration, percent, plain, size

SHOWN_AT_FIRST = 8
CLASSES_HEIGHT = 380


def page() -> None:
    """The whole page."""
    st.title("Models")
    st.write("Every version that was trained. One is served; any other can take its place.")
    try:
        models = trainer.models()
    except ServiceError as error:
        trainer_notice.show(error, "The version that is served goes on answering meanwhile.")
        return
    tell_promotion()
    if not models:
        st.info("There is no version yet. The first one is trained on the Retrain page, or above.")
        return
    champion = next((model for model in models if model.champion), None)
    if champion is None:
        st.warning("No version is chosen to be served. Promote one.")
    wanted = st.query_params.get("version")
    everything = st.session_state.get("all_versions", False)
    for model in models if everything else models[:SHOWN_AT_FIRST]:
        card(model, champion, opened=wanted == model.version)
    hidden = len(models) - SHOWN_AT_FIRST
    if hidden > 0 and not everything and st.button(f"Show {hidden} older versions"):
        st.session_state["all_versions"] = True
        st.rerun()


def tell_promotion() -> None:
    """What the last promotion of this visit did."""
    done = st.session_state.pop("promoted", None)
    if done is not None:
        st.success(plain(done))


def card(model: Model, champion: Model | None, *, opened: bool) -> None:
    """One version: its figures, its details, its button."""
    with st.container(border=True, key=f"model_{model.version}"):
        head, figures, action = st.columns([2.2, 2.2, 1.4], vertical_alignment="center")
        with head:
            st.html(
                f'<div class="version"><strong>{escape(model.version)}</strong>'
                f"<span>{escape(_summary(model))}</span></div>"
            )
        with figures:
            _accuracy(model, champion)
        with action:
            if model.champion:
                st.html(f'<div class="badge ready"><b>Served</b> {_by_workers(model)}</div>')
            elif st.button(_verb(model, champion), key=f"promote_{model.version}", width="stretch"):
                confirm(model, champion)
        with st.expander("Details", expanded=opened):
            details(model, champion)


@st.dialog("Serve another version?")
def confirm(model: Model, champion: Model | None) -> None:
    """Says what will happen, does it, and says how long it took."""
    st.markdown(_consequence(model, champion))
    st.markdown("Requests that are under way are answered by the old version. None fails.")
    go_on, leave = st.columns(2)
    if leave.button("Leave it", width="stretch", key="leave"):
        st.rerun()
    if not go_on.button("Serve it", type="primary", width="stretch", key="confirm"):
        return
    try:
        with st.spinner("Every worker is loading it", show_time=True):
            done = trainer.promote(model.version)
    except ServiceError as error:
        st.error(f"{plain(error.sentence)} What was served before is served still.")
        return
    workers = "1 worker serves" if done.workers == 1 else f"{done.workers} workers serve"
    st.session_state["promoted"] = (
        done.detail or f"{workers} version {model.version} after {duration(done.seconds)}."
    )
    st.rerun()


def details(model: Model, champion: Model | None) -> None:
    """What training wrote about it."""
    known = model.metadata
    facts = {
        "Trained": model.created_at.astimezone().strftime("%-d %b %Y, %H:%M %Z"),
        "Recipe": known.get("recipe"),
        "Network": known.get("network"),
        "Parameters": _thousands(known.get("parameters")),
        "Epochs": known.get("epochs"),
        "Training took": _duration(known.get("duration_seconds")),
        "Validation accuracy": _percent(known.get("validation_accuracy")),
        "Author": known.get("author"),
        "Seed": known.get("seed"),
        "Corrections used": len(known.get("corrections_used") or ()),
        "Size": size(model.size_bytes),
        "Code": _short(known.get("git_revision")),
        "Data": _short(known.get("data_fingerprint")),
    }
    st.html(
        '<dl class="facts">'
        + "".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
            for name, value in facts.items()
            if value is not None
        )
        + "</dl>"
    )
    if known.get("per_class_accuracy"):
        chart(_by_class(model, champion), key=f"classes_{model.version}", height=CLASSES_HEIGHT)


def _by_class(model: Model, champion: Model | None) -> go.Figure:
    figure = go.Figure()
    _bars(figure, model, "var(--st-primary-color)")
    if champion is not None and champion.tag != model.tag:
        _bars(figure, champion, "var(--st-border-color)")
    figure.update_layout(
        title_text="Accuracy by class",
        barmode="group",
        bargap=0.3,
        margin={"l": 4, "r": 44, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        showlegend=True,
    )
    figure.update_xaxes(range=[0, 1], visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", dtick=1, showgrid=False, fixedrange=True)
    return figure


def _bars(figure: go.Figure, model: Model, colour: str) -> None:
    by_class = model.metadata.get("per_class_accuracy") or {}
    figure.add_bar(
        x=list(by_class.values()),
        y=list(by_class),
        orientation="h",
        name=f"{model.version} (served)" if model.champion else model.version,
        marker_color=colour,
        text=[percent(value) for value in by_class.values()],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )


def _accuracy(model: Model, champion: Model | None) -> None:
    if model.accuracy is None:
        st.write("Accuracy unknown")
        return
    compared = champion.accuracy if champion is not None and not model.champion else None
    accuracy_metric("Accuracy on test pictures", model.accuracy, compared, against="the one served")


def _summary(model: Model) -> str:
    parts = [ago(model.created_at), str(model.metadata.get("recipe", ""))]
    return " · ".join(part for part in parts if part)


def _by_workers(model: Model) -> str:
    state = badge.state()
    if not isinstance(state, classifier.Ready):
        return ""
    if state.tag != model.tag:
        return f"soon: {escape(version_of(state.tag))} still answers"
    return "by 1 worker" if state.workers == 1 else f"by {state.workers} workers"


def _verb(model: Model, champion: Model | None) -> str:
    older = champion is not None and model.created_at < champion.created_at
    return "Roll back to this" if older else "Promote"


def _consequence(model: Model, champion: Model | None) -> str:
    new = f"Version **{model.version}**{_in_brackets(model)}"
    if champion is None:
        return f"{new} will answer every request."
    return f"{new} takes the place of **{champion.version}**{_in_brackets(champion)}."


def _in_brackets(model: Model) -> str:
    return "" if model.accuracy is None else f" ({percent(model.accuracy)})"


def _percent(value: object) -> str | None:
    return percent(value) if isinstance(value, int | float) else None


def _duration(value: object) -> str | None:
    return duration(value) if isinstance(value, int | float) else None


def _short(fingerprint: object) -> str | None:
    return fingerprint[:12] if isinstance(fingerprint, str) else None


def _thousands(value: object) -> str | None:
    return f"{value:,}" if isinstance(value, int) else None


page()
