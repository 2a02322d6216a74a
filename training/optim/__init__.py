"""Optimizers and what decides which samples they see."""
