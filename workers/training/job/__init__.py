"""`job: train`: records are prepared as they are for scoring, one network a seed is fitted to them, and a model
directory comes of it."""
