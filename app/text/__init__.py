"""Text of the page: formatting, pictures and the names of states."""
