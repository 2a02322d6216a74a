"""Optimizers, learning-rate schedules and sample selection."""
