"""Who visits the page, and what this visitor may do."""
