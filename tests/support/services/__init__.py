"""Support for tests of the services."""
