"""Networks on one-hot bases, and how overlapping windows share their work."""
