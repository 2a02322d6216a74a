"""A Plotly chart that updates in place: no blink, and the zoom stays.

`st.plotly_chart` builds a new element each time its figure changes. This component hands the new
figure to `Plotly.react` instead. Colours and font are those of Streamlit's theme unless the figure
names its own; a figure may name a theme colour as `var(--st-red-color)`.
"""

from pathlib import Path

import plotly
import plotly.graph_objects as go
import streamlit as st
from streamlit.components.v1 import declare_component

_HERE = Path(__file__).parent

# Serves the folder of the installed plotly package that holds plotly.min.js. Only the files are
# wanted: a v2 component has assets of its own only when it is installed as a package.
_PLOTLY_FILES = declare_component("plotly", path=Path(plotly.__file__).parent / "package_data")

_mount = st.components.v2.component(
    "wardrobe_chart",
    html='<figure class="chart"><figcaption></figcaption>'
    '<div class="chart-plot" role="img"></div></figure>',
    css=(_HERE / "chart.css").read_text(encoding="utf-8"),
    js=(_HERE / "chart.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def chart(figure: go.Figure, *, key: str, height: int) -> None:
    """Draw the figure, as wide as its container, or update the one drawn before under this key.

    The figure's title stands above the chart and is its name for screen readers. A manual zoom
    stays until a double click, or until `figure.layout.uirevision` changes. `height` is the
    chart's, in CSS pixels, without the title. Raises ValueError for a figure without a title.
    """
    title = figure.layout.title.text
    if not title:
        raise ValueError("A chart needs a title: figure.update_layout(title_text=…).")
    drawn = go.Figure(figure)
    drawn.layout.title = None
    drawn.layout.template = None
    if drawn.layout.uirevision is None:
        drawn.layout.uirevision = key
    data = {
        "figure": drawn.to_json(),
        "title": title,
        "height": height,
        "plotly_url": _plotly_url(),
    }
    _mount(key=key, data=data)


def _plotly_url() -> str:
    """Return the URL path of plotly.js, below the base path of the page."""
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    prefix = f"/{base}" if base else ""
    return f"{prefix}/component/{_PLOTLY_FILES.name}/plotly.min.js?v={plotly.__version__}"
