"""Arithmetic on packed genotypes: counts, and the sums of many scores in one pass."""
