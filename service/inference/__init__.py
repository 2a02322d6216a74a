"""From the model's input to probabilities: batching and the live model."""
