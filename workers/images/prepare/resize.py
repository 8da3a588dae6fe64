"""`resize`: to a size, or until an edge has a length."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.canvas import Anchor, Side, Size, placed
from workers.images.prepare.image import Image
from workers.images.prepare.pixels import rescaled_spacing
from workers.images.prepare.resampling import Library, Method, resampled


class Resize(PrepareStep):
    """Resample to `size` (rows, columns), or keeping the aspect ratio until an edge has its length.

    - `size`: exactly that. With `keep_aspect` the image is fitted inside (sides rounded half to even, at least 1) and
      the rest is filled with `pad`, around it or, with `anchor: top_left`, below and to the right.
    - `shortest_edge`: the other edge is `int(shortest_edge * long / short)`, as torchvision and transformers cut it.
    - `longest_edge`: the other edge is `int(longest_edge * short / long)`, at least 1.
    - both edges: the shortest edge, or less where the longest would pass its limit, as transformers'
      `get_size_with_aspect_ratio` has it.

    `multiple_of` (for edges) then rounds both sides to the nearest multiple, half to even, at least one.

    `library: opencv`: nearest, bilinear, area, cubic, lanczos; only area averages when shrinking. uint8, uint16, int16
    and float32 are kept, all else becomes float32. `library: pillow`: every method averages when shrinking, area is
    BOX; uint8 is kept (equal to `PIL.Image.resize`, bit by bit), all else is resampled as float32. Channels are
    independent. `spacing` is scaled; `value_range` stays, though cubic, lanczos and hamming may overshoot on floats.
    Rejects NaN and infinities, and a result above 2**27 pixels.
    """

    name: ClassVar[str] = "resize"

    size: Size | None = Field(default=None, description="rows and columns of the result")
    shortest_edge: Side | None = Field(default=None, description="pixels of the shorter side; the other follows")
    longest_edge: Side | None = Field(
        default=None, description="pixels of the longer side, or with shortest_edge its limit"
    )
    method: Method = Field(default="bilinear", description="how pixels are resampled")
    library: Library = Field(
        default="opencv",
        description="whose resampling, to the bit: pillow averages when shrinking, opencv only with area",
    )
    keep_aspect: bool = Field(
        default=False, description="with size: the image is fitted inside, and the rest is filled with pad"
    )
    pad: float = Field(default=0.0, description="value of the pixels that keep_aspect adds")
    anchor: Anchor = Field(default="center", description="where the image lies with keep_aspect")
    multiple_of: Annotated[int, Field(ge=1, le=4096)] = Field(
        default=1, description="with edges: both sides become the nearest multiple of it"
    )

    @model_validator(mode="after")
    def _check(self) -> Resize:
        edges = self.shortest_edge is not None or self.longest_edge is not None
        if (self.size is not None) == edges:
            raise ValueError("give either size or shortest_edge and/or longest_edge")
        if edges and self.keep_aspect:
            raise ValueError("keep_aspect belongs to size; edges keep the aspect ratio anyway")
        if self.multiple_of > 1 and not edges:
            raise ValueError("multiple_of belongs to shortest_edge and longest_edge")
        if self.method == "hamming" and self.library != "pillow":
            raise ValueError("method hamming needs library pillow")
        return self

    def apply(self, image: Image) -> Image:
        self.require_finite(image.pixels)
        height, width = image.pixels.shape[:2]
        rows, columns = self.target(height, width)
        self.require_size(rows, columns)
        pixels = resampled(image.pixels, rows, columns, self.method, self.library)
        if self.keep_aspect and self.size is not None:
            pixels = placed(self, pixels, self.size, self.pad, self.anchor)
        return replaced(image, pixels, spacing=rescaled_spacing(image, rows, columns))

    def target(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of a resampled image of `height` x `width`, before padding."""
        if self.size is not None:
            return _fitted(height, width, self.size) if self.keep_aspect else self.size
        rows, columns = self._by_edges(height, width)
        return _to_multiple(rows, self.multiple_of), _to_multiple(columns, self.multiple_of)

    def _by_edges(self, height: int, width: int) -> tuple[int, int]:
        short, long = min(height, width), max(height, width)
        if self.shortest_edge is None:
            longest = self.longest_edge or 1
            new_short, new_long = int(longest * short / long), longest
        elif self.longest_edge is None or float(long) / float(short) * self.shortest_edge <= self.longest_edge:
            new_short, new_long = self.shortest_edge, int(self.shortest_edge * long / short)
        else:
            limit = self.longest_edge * float(short) / float(long)
            new_short = round(limit)
            new_long = long if new_short == short else int(limit * long / short)
        new_short, new_long = max(1, new_short), max(1, new_long)
        return (new_short, new_long) if height <= width else (new_long, new_short)


def _fitted(height: int, width: int, size: Size) -> tuple[int, int]:
    scale = min(size[0] / height, size[1] / width)
    return (
        min(size[0], max(1, round(height * scale))),
        min(size[1], max(1, round(width * scale))),
    )


def _to_multiple(side: int, multiple: int) -> int:
    return max(multiple, round(side / multiple) * multiple)
