"""Steps and scripted services for tests of the app."""
