"""The data set and how its pictures are varied."""
