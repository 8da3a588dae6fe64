"""Scores to probabilities that come true as often as they say: fitted by an evaluation, kept in a model directory."""
