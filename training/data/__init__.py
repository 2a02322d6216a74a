"""The data set, data augmentation and corruptions."""
