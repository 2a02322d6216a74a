"""Own Streamlit components: the drawing pad and the chart that updates in place."""
