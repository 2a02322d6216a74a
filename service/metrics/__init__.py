"""The classifier's own Prometheus metrics."""
