"""Entry point of the app: `streamlit run app/streamlit_app.py` from the repository root."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import streamlit as st

from app.sections import model_status

HERE = Path(__file__).parent
HANGER = str(HERE / "assets" / "hanger.svg")

st.set_page_config("Wardrobe", page_icon=HANGER, layout="wide")
st.logo(str(HERE / "assets" / "wordmark.svg"), size="large")
st.html(HERE / "style.css")

page = st.navigation(
    [
        st.Page("views/classify.py", title="Classify", default=True),
        st.Page("views/corrections.py", title="Corrections", url_path="corrections"),
        st.Page("views/retrain.py", title="Retrain", url_path="retrain"),
        st.Page("views/models.py", title="Models", url_path="models"),
        st.Page("views/metrics.py", title="Metrics", url_path="metrics"),
    ],
    position="top",
)
model_status.render_model_status()
page.run()
