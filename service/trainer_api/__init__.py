"""The trainer's calls, by subject."""
