"""Firing alerts of Prometheus, in the words of its rules, with links to the pages that help."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from app.clients.prometheus import Alert
from app.text.correction_states import REVIEW_REQUESTED
from app.text.formatting import ago, plain
from app.text.translate import N_, _


@dataclass(frozen=True)
class AlertLink:
    """A link to the page where a person can look into an alert. `label` is shown translated."""

    page: str
    label: str
    query: Mapping[str, str] = field(default_factory=dict)


_REVIEWS = AlertLink("corrections", N_("See review requests"), {"state": REVIEW_REQUESTED})
_DISAGREEMENTS = AlertLink("corrections", N_("Review disagreements"), {"state": REVIEW_REQUESTED})
_NEWEST = AlertLink("corrections", N_("See the newest pictures"))
_SHADOW = AlertLink("models", N_("Start a shadow test to collect pictures"))
_VERSIONS = AlertLink("models", N_("Choose another version"))
_RUNS = AlertLink("retrain", N_("Go to Retrain"))

_LINKS = {
    "PredictionsDrift": (_DISAGREEMENTS, _NEWEST),
    "InputsDrift": (_NEWEST, _DISAGREEMENTS),
    "UnknownPictures": (_NEWEST, _REVIEWS),
    "RequestsFail": (_VERSIONS,),
    "ModelDoesNotLoad": (_VERSIONS,),
    "NoModelLoaded": (_RUNS,),
    "TrainingFailed": (_RUNS,),
}
"""By the alert's name. Other alerts have no links."""


def render_alerts(alerts: Sequence[Alert], *, has_shadow: bool) -> None:
    """Render each alert: what is wrong, what to do, and links.

    `has_shadow`: a version runs in a shadow test. Without one there are no disagreements to show.
    """
    for alert in alerts:
        links = _LINKS.get(alert.name, ())
        if not has_shadow:
            links = tuple(_SHADOW if link is _DISAGREEMENTS else link for link in links)
        with st.container(key=f"alert_{alert.name}_{_label_values(alert)}"):
            box = st.error if alert.severity == "critical" else st.warning
            box(f"**{plain(alert.summary)}** {alert.action}")
            since = _("{alert}, started {ago}").format(alert=alert.name, ago=ago(alert.since))
            st.caption(since)
            with st.container(horizontal=True, gap="medium"):
                for link in links:
                    st.page_link(
                        f"views/{link.page}.py",
                        label=_(link.label),
                        icon=":material/arrow_forward:",
                        query_params=link.query,
                    )


def _label_values(alert: Alert) -> str:
    """Return a key that differs between alerts of one name."""
    return "_".join(value for _, value in sorted(alert.labels.items()))
