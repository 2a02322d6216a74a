"""Data, preprocessing, networks, training, the model store and the records of runs."""
