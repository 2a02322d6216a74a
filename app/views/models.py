"""Models: every version there is, which one is served, and the way to another."""

from html import escape

import streamlit as st

from app import badge, by_class, classifier, curves, trainer, trainer_notice
from app.accuracy import accuracy_metric
from app.classifier import version_of
from app.components.chart import chart
from app.connection import ServiceError
from app.trainer import Model
from app.wording import ago, duration, percent, plain, size

SHOWN_AT_FIRST = 8
CLASSES_HEIGHT = 380
MISTAKES_HEIGHT = 420


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
        card(model, champion, _others(model, models), opened=wanted == model.version)
    hidden = len(models) - SHOWN_AT_FIRST
    if hidden > 0 and not everything and st.button(f"Show {hidden} older versions"):
        st.session_state["all_versions"] = True
        st.rerun()


def tell_promotion() -> None:
    """What the last promotion of this visit did."""
    done = st.session_state.pop("promoted", None)
    if done is not None:
        st.success(plain(done))


def card(model: Model, champion: Model | None, others: list[Model], *, opened: bool) -> None:
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
        # Charts that nobody looks at are not drawn: there are several for each version.
        folded = st.expander(
            "Details", expanded=opened, key=f"details_{model.version}", on_change="rerun"
        )
        if folded.open:
            with folded:
                details(model, others)


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


def details(model: Model, others: list[Model]) -> None:
    """What training wrote about it, and how it compares with one of `others`."""
    known = model.metadata
    facts = {
        "Trained": model.created_at.astimezone().strftime("%-d %b %Y, %H:%M %Z"),
        "Recipe": known.get("recipe"),
        "Network": known.get("network"),
        "Parameters": _thousands(known.get("parameters")),
        "Epochs": known.get("epochs"),
        "Training took": _duration(known.get("duration_seconds")),
        "Validation accuracy": _percent(known.get("validation_accuracy")),
        "Calibration error": _percent(known.get("calibration_error")),
        "Temperature": _decimals(known.get("temperature")),
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
    if model.per_class_accuracy:
        _show_classes(model, others)
    _show_mistakes(model)
    curves.show_epochs(model.epochs, key=model.version)


def _show_classes(model: Model, others: list[Model]) -> None:
    """How it does class by class, beside another version if there is one that knows its classes.

    `others` are those to choose from, the one to begin with first.
    """
    by_version = {other.version: other for other in others if other.per_class_accuracy}
    if not by_version:
        chart(
            by_class.accuracies(model, None), key=f"classes_{model.version}", height=CLASSES_HEIGHT
        )
        return
    chosen = st.selectbox(
        "Compare with",
        list(by_version),
        format_func=lambda version: by_class.named(by_version[version]),
        key=f"compare_{model.version}",
    )
    other = by_version[chosen]
    left, right = st.columns(2, gap="medium")
    with left:
        figure = by_class.accuracies(model, other)
        chart(figure, key=f"classes_{model.version}", height=CLASSES_HEIGHT)
    with right:
        figure = by_class.gains(model, other)
        chart(figure, key=f"gains_{model.version}", height=CLASSES_HEIGHT)


def _show_mistakes(model: Model) -> None:
    counts, names = model.metadata.get("confusion_matrix"), model.metadata.get("class_names")
    if not counts or not names:
        return
    figure = by_class.mistakes(counts, names)
    chart(figure, key=f"mistakes_{model.version}", height=MISTAKES_HEIGHT)
    st.caption(
        "Test pictures. A row is what they show, a column what the version says; "
        "the pale diagonal is what it names right."
    )


def _others(model: Model, models: list[Model]) -> list[Model]:
    """Every version but this one: the one that is served, then the newest first."""
    others = [other for other in models if other.tag != model.tag]
    return sorted(others, key=lambda other: not other.champion)


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
    return f"{value:,.0f}" if isinstance(value, int | float) else None


def _decimals(value: object) -> str | None:
    return f"{value:.2f}" if isinstance(value, int | float) else None


page()
