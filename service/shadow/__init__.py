"""A shadow test: a second version answers the same pictures, and nobody waits for it."""
