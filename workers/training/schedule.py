"""The learning rate by step."""

import math

from workers.training.settings import FitSettings


def rate_at(settings: FitSettings, step: int, steps: int) -> float:
    """Grows in a line over the warm-up, then follows half a cosine to 0 (Loshchilov and Hutter 2017) or stays."""
    warmup = math.ceil(settings.warmup * steps)
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    if settings.schedule == "constant":
        return settings.learning_rate
    done = (step - warmup) / max(1, steps - warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
