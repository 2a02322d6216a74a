"""Training on corrections: the split, the label-noise filter and replay."""
