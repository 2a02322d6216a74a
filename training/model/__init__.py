"""Shared by training and serving: networks, preprocessing, baseline, accuracy estimator."""
