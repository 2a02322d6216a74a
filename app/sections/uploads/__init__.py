"""Uploaded pictures: one with a frame to drag, or a table of many."""
