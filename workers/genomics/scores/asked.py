"""`layout.yaml` of a directory of scores: how its tables are to be read where their columns do not say it.

layout: saige                  # a name of workers.genomics.scores.named_layouts
weights: [height, bmi]         # columns that are scores; `all`: every column that means nothing else
files:                         # for single files, instead
  old.txt: {layout: metal}
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.loading import validate
from schemas.yaml_text import load_yaml
from workers.genomics.scores.named_layouts import LAYOUTS

LAYOUT_FILE = "layout.yaml"
_MOST_BYTES = 1 << 20


class Asked(Frozen):
    """What is asked of one table. Nothing: it has to say itself what it is."""

    layout: str | None = Field(default=None, description="the program whose columns the table has")
    weights: tuple[str, ...] | Literal["all"] | None = Field(
        default=None,
        description="columns that are weights, each a score of its name; all: every one that is nothing else",
    )

    @field_validator("layout")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in LAYOUTS:
            raise ValueError(f"{name!r} is no known layout; there are {', '.join(LAYOUTS)}")
        return name

    @field_validator("weights")
    @classmethod
    def _some(cls, weights: Any) -> Any:
        if weights == ():
            raise ValueError("names no column")
        return weights


class LayoutFile(Asked):
    """All of `layout.yaml`. `files` are by name."""

    files: Mapping[str, Asked] = Field(default_factory=dict, description="what is asked of single files")

    def of(self, path: Path) -> Asked:
        """What is asked of one file."""
        return self.files.get(path.name) or Asked(layout=self.layout, weights=self.weights)


NOTHING = Asked()


def read_asked(directory: Path) -> LayoutFile:
    """The directory's `layout.yaml`, if it has one. Raises SpecError for one that cannot be used."""
    path = directory / LAYOUT_FILE
    if not path.is_file():
        return LayoutFile()
    if path.stat().st_size > _MOST_BYTES:
        raise SpecError(f"{path}: is larger than {_MOST_BYTES >> 20} MiB")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SpecError(f"{path}: cannot be read as text") from None
    found = validate(LayoutFile, load_yaml(text, str(path)), str(path))
    gone = next((name for name in found.files if not (directory / name).is_file()), None)
    if gone is not None:
        raise SpecError(f"{path}: files names {gone!r}, which is not there: correct it")
    return found
