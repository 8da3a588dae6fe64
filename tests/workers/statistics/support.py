"""Rows for tests of figures."""

import numpy as np


def rows(number: int = 400, seed: int = 0, ties: bool = False, shift: float = 1.0):
    """Scores between 0 and 1 that tell the labels apart in part, and the labels."""
    generator = np.random.default_rng(seed)
    labels = generator.random(number) < 0.3
    scores = 1 / (1 + np.exp(-(generator.normal(size=number) + shift * labels - 1)))
    return (np.round(scores, 1) if ties else scores), labels.astype(np.int64)
