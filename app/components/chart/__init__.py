"""A Plotly chart that updates in place: no blink, and the zoom stays. Also as a table, and by keys.

`st.plotly_chart` builds a new element each time its figure changes. This component hands the new
figure to `Plotly.react` instead. Colours and font are those of Streamlit's theme unless the figure
names its own; a figure may name a theme colour as `var(--st-red-color)`.
"""

from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go
import streamlit as st
from plotly.io.json import to_json_plotly
from streamlit.components.v1 import declare_component

from app.components.registration import register
from app.text.translate import _

# Serves the folder of the installed plotly package that holds plotly.min.js. Only the files are
# wanted: a v2 component has assets of its own only when it is installed as a package.
_PLOTLY_FILES = declare_component("plotly", path=Path(plotly.__file__).parent / "package_data")

_mount = register(__file__, scripts=("chart.js", "reading.js"), isolate_styles=False)


def chart(
    figure: go.Figure,
    *,
    key: str,
    height: int,
    note: str = "",
    value: str = "",
    link: str | None = None,
) -> str | None:
    """Draw the figure, as wide as its container, or update the one drawn before under this key.

    The figure's title stands above the chart and is its name for screen readers. A manual zoom
    stays until a double click, or until `figure.layout.uirevision` changes. `height` is the
    chart's, in CSS pixels, without the title.

    `note` stands small beside the title, the current `value` large at the right; `link` is the
    address of the same query in Prometheus. Returns the name of the annotation that the visitor has
    just clicked, None otherwise. Raises ValueError for a figure without a title.
    """
    title = figure.layout.title.text
    if not title:
        raise ValueError("A chart needs a title: figure.update_layout(title_text=…).")
    drawn = figure.to_plotly_json()
    layout = {name: it for name, it in drawn["layout"].items() if name not in ("title", "template")}
    layout.setdefault("uirevision", key)
    data = {
        "figure": to_json_plotly({"data": drawn["data"], "layout": layout}),
        "title": title,
        "note": note,
        "value": value,
        "link": link,
        "height": height,
        "plotly_url": _plotly_url(),
        "texts": _texts(),
    }
    clicked: Any = _mount(key=key, data=data, on_mark_change=lambda: None).get("mark")
    return clicked if isinstance(clicked, str) else None


def _texts() -> dict[str, str]:
    return {
        "table": _("Table"),
        "chart": _("Chart"),
        "when": _("Time"),
        "value": _("Value"),
        "link": _("The same query in Prometheus"),
        "failed": _("The chart could not be loaded. Reload the page."),
        "keys": _(
            "Read the values with the arrow keys. Zoom with plus and minus, and leave with Escape."
        ),
    }


def _plotly_url() -> str:
    """Return the URL path of plotly.js, below the base path of the page."""
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    prefix = f"/{base}" if base else ""
    return f"{prefix}/component/{_PLOTLY_FILES.name}/plotly.min.js?v={plotly.__version__}"
