"""Shadow tests: a second version classifies the same pictures, outside the request path."""
