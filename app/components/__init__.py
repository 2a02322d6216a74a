"""Streamlit components of our own: drawing pad, bars, feedback prompt, gallery, and chart."""
