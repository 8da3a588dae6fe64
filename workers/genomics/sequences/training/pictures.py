"""Pictures of a finished training."""

from workers.training.job.pictures import pictures

__all__ = ["pictures"]
