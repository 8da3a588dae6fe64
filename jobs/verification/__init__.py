"""Proof after a run: `verify`, and the counting again of what storage holds."""
