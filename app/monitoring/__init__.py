"""What the Metrics page computes from Prometheus' series."""
