"""What a model format on images is held against."""

from workers.contract import Model, ScorerFormat

ImageFormat = ScorerFormat[Model]
"""There is no encoder: prepare steps make the arrays that a model takes."""
