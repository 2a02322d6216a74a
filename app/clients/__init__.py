"""The only modules that call other processes: the services and Prometheus."""
