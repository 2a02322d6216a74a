"""How values, pictures and states are written on the page."""
