"""A metric that shows an accuracy and its difference to another."""

import streamlit as st

from app.text.formatting import percent, points

SHOWN_DECIMALS = 3  # of a share: a percentage with one decimal


def accuracy_metric(
    label: str,
    accuracy: float,
    compared: float | None,
    *,
    against: str | None = None,
    border: bool = False,
) -> None:
    """Render a metric with the difference to `compared` below it. Both are shares, 0..1.

    `against` names the other accuracy; None for `compared` shows no difference.
    """
    if compared is None:
        st.metric(label, percent(accuracy), border=border, height="stretch")
        return
    # Compare the shown values, so that 88.9 % beside 88.8 % is not called the same.
    gain = round(accuracy, SHOWN_DECIMALS) - round(compared, SHOWN_DECIMALS)
    same = abs(gain) < 10**-SHOWN_DECIMALS / 2
    st.metric(
        label,
        percent(accuracy),
        _same_text(against) if same else points(gain),
        delta_color="off" if same else "normal",
        delta_arrow="off" if same else "auto",
        delta_description=f"compared with {against}" if against and not same else None,
        border=border,
        height="stretch",
    )


def _same_text(against: str | None) -> str:
    return f"the same as {against}" if against else "the same"
