"""The page's script, which `app/server.py` serves: the log-in, and the list of pages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import streamlit as st

from app.components import frame
from app.login import page as login
from app.login import visitor
from app.sections import model_status
from app.text.translate import _

HERE = Path(__file__).parent
HANGER = str(HERE / "assets" / "hanger.svg")

st.set_page_config("Wardrobe", page_icon=HANGER, layout="wide")
st.logo(str(HERE / "assets" / "wordmark.svg"), size="large")
st.html(HERE / "style.css")

who = visitor.current()
page = st.navigation(
    [
        st.Page("views/classify.py", title=_("Classify"), default=True),
        st.Page("views/corrections.py", title=_("Corrections"), url_path="corrections"),
        st.Page("views/classes.py", title=_("Classes"), url_path="classes"),
        st.Page("views/retrain.py", title=_("Retrain"), url_path="retrain"),
        st.Page("views/models.py", title=_("Models"), url_path="models"),
        st.Page("views/metrics.py", title=_("Metrics"), url_path="metrics"),
        st.Page("views/about.py", title=_("About"), url_path="about"),
    ],
    position="hidden" if who is None or who.role is None else "top",
)
if who is None:
    login.render_login_page(page.url_path)
elif who.role is None:
    login.render_no_role_page(who)
else:
    with st.container(key="status"):
        with st.container(key="status_end"):
            frame.language_menu(page.url_path)
            login.render_visitor(who)
        model_status.render_model_status()
    page.run()
