"""What a version stores about itself besides its figures: examples, and what it costs to serve."""
