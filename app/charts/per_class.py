"""Charts of a version by class: accuracy, change of accuracy, and the confusion matrix."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from app.charts.accuracy_metric import SHOWN_DECIMALS
from app.charts.colours import FAINT, GREEN, GREY, LINE, ORANGE, PRIMARY, RED
from app.clients.gate import Change
from app.clients.trainer import Model
from app.text.formatting import percent, points
from app.text.translate import _

CELL_FONT_SIZE = 11  # three digits fit into each of ten cells on a phone

_MOST_COUNTED = 16
"""Classes whose counts fit into the cells of a confusion matrix."""


def height_for(classes: int, of_ten: int) -> int:
    """Return the height, in pixels, of a chart with a row a class: `of_ten` is that of ten."""
    return max(of_ten // 2, round(of_ten * classes / 10))


def class_axis(axis: Any) -> None:
    """Set up an axis whose values are classes: each is named, and a name of digits is no number."""
    axis.update(type="category", dtick=1)


def version_label(model: Model) -> str:
    """Return the name of a version, marked if it is live."""
    return _("{name} (live)").format(name=model.name) if model.champion else model.name


def accuracy_chart(model: Model, other: Model | None) -> go.Figure:
    """Return a bar for the accuracy of each class, beside that of `other` if there is one."""
    figure = go.Figure()
    _add_accuracies(figure, model, PRIMARY)
    if other is not None:
        _add_accuracies(figure, other, LINE)
    figure.update_layout(
        title_text=_("Accuracy by class"),
        barmode="group",
        bargap=0.3,
        margin={"l": 4, "r": 44, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        showlegend=True,
    )
    figure.update_xaxes(range=[0, 1], visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True)
    class_axis(figure.layout.yaxis)
    return figure


def comparison_chart(model: Model, other: Model) -> go.Figure:
    """Return a signed bar for each class that both know: `model`'s accuracy minus `other`'s."""
    changes = {
        name: Change(before=other.per_class_accuracy.get(name), after=share)
        for name, share in model.per_class_accuracy.items()
    }
    title = _("Compared with {name}, in points").format(name=other.name)
    return change_chart(changes, than=other.name, title=title)


def change_chart(changes: Mapping[str, Change], *, than: str, title: str) -> go.Figure:
    """Return a signed bar for each class whose accuracy is known before and after.

    `than` names the version before.
    """
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
        text=[f"{gain * 100:+.1f}" if gain else _("same") for gain in differences.values()],
        textposition="outside",
        cliponaxis=False,
        customdata=[_difference_text(gain, than) for gain in differences.values()],
        hovertemplate="%{y}: %{customdata}<extra></extra>",
    )
    # Leave room for the text beside the longest bar, on both sides: zero is in the middle.
    end = 1.5 * max((abs(gain) for gain in differences.values()), default=0) or 1
    figure.update_layout(
        title_text=title,
        hovermode="closest",
        bargap=0.35,
        # As high as the legend of the chart beside it.
        margin={"l": 4, "r": 4, "t": 28, "b": 8},
        showlegend=False,
    )
    signed_axes(figure, end)
    return figure


def signed_axes(figure: go.Figure, end: float) -> None:
    """Set axes for horizontal bars on both sides of zero, from -`end` to `end`, first on top."""
    figure.update_xaxes(
        range=[-end, end],
        showticklabels=False,
        showline=False,
        zeroline=True,
        zerolinecolor=LINE,
        fixedrange=True,
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True)
    class_axis(figure.layout.yaxis)


def confusion_matrix_chart(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> go.Figure:
    """Return a row for each true class, a column for each prediction; only mistakes have a colour.

    Correct predictions are far more frequent: a colour for them would hide the mistakes. Of many
    classes the counts appear under the pointer only.
    """
    totals, has_counts = [sum(row) for row in matrix], len(names) <= _MOST_COUNTED
    figure = go.Figure()
    figure.add_heatmap(
        x=list(names),
        y=list(names),
        z=[
            [0 if i == j else count / (total or 1) for j, count in enumerate(row)]
            for i, (row, total) in enumerate(zip(matrix, totals, strict=True))
        ],
        text=[
            ["" if i == j or not count else f"{count}" for j, count in enumerate(row)]
            for i, row in enumerate(matrix)
        ],
        texttemplate="%{text}" if has_counts else "",
        textfont={"size": CELL_FONT_SIZE},
        customdata=[
            [
                _("{true}: {count} of {total} predicted as {predicted}").format(
                    true=true, count=f"{count:,}", total=f"{total:,}", predicted=predicted
                )
                for predicted, count in zip(names, row, strict=True)
            ]
            for true, row, total in zip(names, matrix, totals, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
        colorscale=[[0, FAINT], [1, ORANGE]],
        zmin=0,
        showscale=False,
        xgap=1,
        ygap=1,
    )
    for i, name in enumerate(names if has_counts else ()):
        figure.add_annotation(
            x=name,
            y=name,
            text=f"{matrix[i][i]}",
            showarrow=False,
            font={"size": CELL_FONT_SIZE, "color": GREY},
        )
    figure.update_layout(title_text=_("Confusion matrix"), hovermode="closest")
    figure.update_xaxes(tickangle=-90, showline=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True)
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        class_axis(axis)
    return figure


def _add_accuracies(figure: go.Figure, model: Model, colour: str) -> None:
    by_class = model.per_class_accuracy
    figure.add_bar(
        x=list(by_class.values()),
        y=list(by_class),
        orientation="h",
        name=version_label(model),
        marker_color=colour,
        text=[percent(value) for value in by_class.values()],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{text}<extra></extra>",
    )


def _difference_text(gain: float, than: str) -> str:
    if not gain:
        return _("the same as {name}").format(name=than)
    better = _("{points}, better than {name}")
    return (better if gain > 0 else _("{points}, worse than {name}")).format(
        points=points(gain), name=than
    )
