"""A training run: its progress, its outcome, and the table of all runs."""
