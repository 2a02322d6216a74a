"""How well versions judge pictures: what they know, and how accurate they are."""
