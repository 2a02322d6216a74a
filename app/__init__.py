"""The page: a Streamlit app that speaks HTTP to the services and imports nothing of them."""
