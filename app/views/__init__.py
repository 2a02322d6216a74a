"""Pages: each file is a script that Streamlit runs from top to bottom."""
