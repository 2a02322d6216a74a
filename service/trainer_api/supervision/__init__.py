"""Starts runs as processes of their own, and watches them."""
