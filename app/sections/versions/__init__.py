"""Parts of the Models page that show one version."""
