"""The BentoML services: the classifier that serves, the trainer that makes new versions."""
