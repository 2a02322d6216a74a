"""Pictures that are rendered for tests."""
