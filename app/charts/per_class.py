"""What a version gets right and wrong, class by class: the charts of its details."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.charts.accuracy_metric import SHOWN_DECIMALS
from app.charts.traffic import FAINT, GREEN, GREY, LINE, ORANGE, PRIMARY, RED
from app.clients.gate import Change
from app.clients.trainer import Model
from app.text.formatting import percent, points

SMALL = 11  # of a number in a cell: three digits fit where ten cells share a phone


def named(model: Model) -> str:
    """A version where several are shown."""
    return f"{model.version} (served)" if model.champion else model.version


def accuracies(model: Model, other: Model | None) -> go.Figure:
    """A bar for each class, and beside it the one of `other`."""
    figure = go.Figure()
    _add_accuracies(figure, model, PRIMARY)
    if other is not None:
        _add_accuracies(figure, other, LINE)
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


def gains(model: Model, other: Model) -> go.Figure:
    """How much better or worse it is than `other`, a signed bar for each class both know."""
    changes = {
        name: Change(before=other.per_class_accuracy.get(name), after=share)
        for name, share in model.per_class_accuracy.items()
    }
    title = f"Better or worse than {other.version}, in points"
    return changed(changes, than=other.version, title=title)


def changed(changes: Mapping[str, Change], *, than: str, title: str) -> go.Figure:
    """A signed bar for each class whose accuracy is known before and after; `than`: before what."""
    differences = {
        name: round(change.after - change.before, SHOWN_DECIMALS)
        for name, change in changes.items()
        if change.before is not None and change.after is not None
    }
    figure = go.Figure()
    figure.add_bar(
        x=list(differences.values()),
        y=list(differences),
        orientation="h",
        marker_color=[GREEN if gain > 0 else RED for gain in differences.values()],
        text=[_signed(gain) for gain in differences.values()],
        textposition="outside",
        cliponaxis=False,
        customdata=[_told(gain, than) for gain in differences.values()],
        hovertemplate="%{y}: %{customdata}<extra></extra>",
    )
    # Room for the words beside the longest bar, on both sides: nothing lies in the middle.
    end = 1.5 * max((abs(gain) for gain in differences.values()), default=0) or 1
    figure.update_layout(
        title_text=title,
        hovermode="closest",
        bargap=0.35,
        # As much above it as the legend takes of the chart that stands beside it.
        margin={"l": 4, "r": 4, "t": 28, "b": 8},
        showlegend=False,
    )
    signed_axes(figure, end)
    return figure


def signed_axes(figure: go.Figure, end: float) -> None:
    """Axes of bars to both sides of a line in the middle, from -`end` to `end`, first on top."""
    figure.update_xaxes(
        range=[-end, end],
        showticklabels=False,
        showline=False,
        zeroline=True,
        zerolinecolor=LINE,
        fixedrange=True,
    )
    figure.update_yaxes(autorange="reversed", dtick=1, showgrid=False, fixedrange=True)


def mistakes(counts: Sequence[Sequence[int]], names: Sequence[str]) -> go.Figure:
    """A row for each true class, a column for each answer; only what is wrong has a colour.

    What is right is many times as much: with a colour of its own it would drown the rest.
    """
    totals = [sum(row) for row in counts]
    figure = go.Figure()
    figure.add_heatmap(
        x=list(names),
        y=list(names),
        z=[
            [0 if row == column else count / (total or 1) for column, count in enumerate(counted)]
            for row, (counted, total) in enumerate(zip(counts, totals, strict=True))
        ],
        text=[
            ["" if row == column or not count else f"{count}" for column, count in enumerate(line)]
            for row, line in enumerate(counts)
        ],
        texttemplate="%{text}",
        textfont={"size": SMALL},
        customdata=[
            [
                f"{count:,} of {total:,} {true} named {answer}"
                for answer, count in zip(names, counted, strict=True)
            ]
            for true, counted, total in zip(names, counts, totals, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
        colorscale=[[0, FAINT], [1, ORANGE]],
        zmin=0,
        showscale=False,
        xgap=1,
        ygap=1,
    )
    for place, name in enumerate(names):
        figure.add_annotation(
            x=name,
            y=name,
            text=f"{counts[place][place]}",
            showarrow=False,
            font={"size": SMALL, "color": GREY},
        )
    figure.update_layout(title_text="What it takes for what", hovermode="closest")
    figure.update_xaxes(tickangle=-90, dtick=1, showline=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", dtick=1, showgrid=False, fixedrange=True)
    return figure


def _add_accuracies(figure: go.Figure, model: Model, colour: str) -> None:
    by_class = model.per_class_accuracy
    figure.add_bar(
        x=list(by_class.values()),
        y=list(by_class),
        orientation="h",
        name=named(model),
        marker_color=colour,
        text=[percent(value) for value in by_class.values()],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )


def _signed(gain: float) -> str:
    return f"{gain * 100:+.1f}" if gain else "same"


def _told(gain: float, than: str) -> str:
    if not gain:
        return f"the same as {than}"
    return f"{points(gain)}, {'better' if gain > 0 else 'worse'} than {than}"
