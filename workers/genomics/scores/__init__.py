"""Polygenic scores: scoring files, their matching to variants, and what is made of the sums."""
