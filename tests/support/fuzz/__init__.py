"""Mutated requests over all calls of both services, each made anew from a seed and its number."""
