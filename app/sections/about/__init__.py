"""What is known about one version, as words and figures: for the page and for its model card."""
