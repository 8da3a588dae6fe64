"""Settings and columns of a text detector. Imports nothing that decodes or computes."""

from pydantic import Field

from schemas.frozen import Frozen
from schemas.outputs import OutputField

_CORNERS = ", ".join(f"x{i}: int32, y{i}: int32" for i in range(4))


OUTPUTS: tuple[OutputField, ...] = (
    OutputField(name="text_found", type="bool", meaning="whether any text was found", over_frames="max"),
    OutputField(name="text_regions", type="int32", meaning="number of regions with text", over_frames="sum"),
    OutputField(
        name="text_score", type="float32", meaning="highest score of a region; 0 without one", over_frames="max"
    ),
    OutputField(
        name="text_boxes",
        type=f"list<struct<{_CORNERS}, score: float32>>",
        meaning="corners in pixels of the frame, clockwise from top left (x columns, y rows), and the score",
        over_frames="concat",
    ),
)


class Detection(Frozen):
    """Settings of the detector.

    `threshold` makes the probability map binary; a region counts if the mean probability inside its box reaches
    `box_threshold`. `unclip_ratio` is how far the network was trained to shrink text, `candidates` the most contours
    looked at. The image is enlarged until its shorter side is `shorter_side`, unless its longer one would pass
    `longest_side`, and then shrunk to that: this bounds the work for an image of any size.
    """

    threshold: float = Field(default=0.3, gt=0, lt=1)
    box_threshold: float = Field(default=0.5, ge=0, le=1)
    unclip_ratio: float = Field(default=1.6, gt=0, le=10)
    candidates: int = Field(default=1000, ge=1, le=100_000)
    use_dilation: bool = True
    shorter_side: int = Field(default=736, ge=32, le=4096)
    longest_side: int = Field(default=2000, ge=32, le=8192)
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
