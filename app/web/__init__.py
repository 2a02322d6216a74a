"""The page's HTTP server around Streamlit: host names, headers, log-in by password."""
