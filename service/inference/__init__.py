"""From an uploaded picture to probabilities: decoding, batching and the live model."""
