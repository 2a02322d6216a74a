"""The error that ends the launcher with a message and no traceback."""


class CannotStartError(Exception):
    """Says why Wardrobe does not start and what to do about it."""
