"""Figures that the Metrics page derives from Prometheus's series, and the load test it offers."""
