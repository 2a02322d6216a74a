"""The page's HTTP server around Streamlit: host names, origins, headers, log-in by password."""
