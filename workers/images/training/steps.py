"""Prepare steps of a training: those of predict."""

from workers.images.steps import STEPS

__all__ = ["STEPS"]
