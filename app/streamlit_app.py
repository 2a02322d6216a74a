"""The page's script, which `app/server.py` serves: the log-in, and the list of pages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import streamlit as st

from app.login import page as login
from app.login import visitor
from app.sections import model_status

HERE = Path(__file__).parent
HANGER = str(HERE / "assets" / "hanger.svg")

st.set_page_config("Wardrobe", page_icon=HANGER, layout="wide")
st.logo(str(HERE / "assets" / "wordmark.svg"), size="large")
st.html(HERE / "style.css")

who = visitor.current()
page = st.navigation(
    [
        st.Page("views/classify.py", title="Classify", default=True),
        st.Page("views/corrections.py", title="Corrections", url_path="corrections"),
        st.Page("views/classes.py", title="Classes", url_path="classes"),
        st.Page("views/retrain.py", title="Retrain", url_path="retrain"),
        st.Page("views/models.py", title="Models", url_path="models"),
        st.Page("views/metrics.py", title="Metrics", url_path="metrics"),
        st.Page("views/about.py", title="About", url_path="about"),
    ],
    position="hidden" if who is None or who.role is None else "top",
)
if who is None:
    login.render_login_page(page.url_path)
elif who.role is None:
    login.render_no_role_page(who)
else:
    with st.container(key="status"):
        login.render_visitor(who)
        model_status.render_model_status()
    page.run()
