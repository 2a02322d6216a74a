"""Pictures for tests and benchmarks, drawn on the spot."""
