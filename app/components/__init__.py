"""Streamlit components of our own: drawing pad, feedback prompt, gallery, and chart."""
