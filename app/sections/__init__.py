"""Parts of pages. Each reads from top to bottom."""
