"""What a run learns from corrections."""
