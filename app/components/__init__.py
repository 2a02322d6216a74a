"""Streamlit components of our own: drawing pad, bars, feedback prompt, gallery, chart and others."""
