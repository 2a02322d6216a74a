"""How fast the page is in a browser."""
