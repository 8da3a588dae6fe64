"""Figures of an evaluation, from scores and what was true: arrays in, figures out. Knows no run, no file, no wing.

What ranks scores is computed from `ranks.Ranks`, which is exact for rows in memory and comes from a mergeable sketch
(`sketch.ScoreSketch`) where there are too many of them; every function is the same for both.
"""
