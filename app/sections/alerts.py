"""What fires in Prometheus, in the words of its rules, with the way to what is behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from app.clients.prometheus import Alert
from app.text.correction_states import REVIEW_REQUESTED
from app.text.formatting import ago, plain


@dataclass(frozen=True)
class Way:
    """A page where a person sees what is behind an alert."""

    page: str
    label: str
    query: Mapping[str, str] = field(default_factory=dict)


_DISAGREEMENTS = Way("corrections", "See where two versions disagree", {"state": REVIEW_REQUESTED})
_NEWEST = Way("corrections", "See the newest pictures")
_SHADOW = Way("models", "Collect pictures: run a version in the shadow")
_VERSIONS = Way("models", "Choose another version")
_RUNS = Way("retrain", "Go to Retrain")

_WAYS = {
    "PredictionsDrift": (_DISAGREEMENTS, _NEWEST),
    "InputsDrift": (_NEWEST, _DISAGREEMENTS),
    "RequestsFail": (_VERSIONS,),
    "ModelDoesNotLoad": (_VERSIONS,),
    "NoModelLoaded": (_RUNS,),
    "TrainingFailed": (_RUNS,),
}
"""By the alert's name; from others there is no way but what they say themselves."""


def show(alerts: Sequence[Alert], *, shadowed: bool) -> None:
    """Each alert: what is wrong, what to do, and links to what is behind it.

    `shadowed`: a version runs in the shadow. While none does, no picture is in question.
    """
    for alert in alerts:
        ways = _WAYS.get(alert.name, ())
        if not shadowed:
            ways = tuple(_SHADOW if way is _DISAGREEMENTS else way for way in ways)
        with st.container(key=f"alert_{alert.name}_{_place(alert)}"):
            tell = st.error if alert.severity == "critical" else st.warning
            tell(f"**{plain(alert.summary)}** {alert.action}")
            st.caption(f"{alert.name} began {ago(alert.since)}.")
            with st.container(horizontal=True, gap="medium"):
                for way in ways:
                    st.page_link(
                        f"views/{way.page}.py",
                        label=way.label,
                        icon=":material/arrow_forward:",
                        query_params=way.query,
                    )


def _place(alert: Alert) -> str:
    """Tells apart alerts of one name."""
    return "_".join(value for _, value in sorted(alert.labels.items()))
