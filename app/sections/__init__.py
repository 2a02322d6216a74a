"""Sections of pages: each module renders one part of a page."""
