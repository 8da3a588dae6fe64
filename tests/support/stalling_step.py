"""A package of the user's whose prepare step computes without end with bright pictures, and holds the interpreter."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.support.made_package import make_package

_STEP = '''
import re
from typing import ClassVar
from workers.images.prepare.base import PrepareStep
from workers.images.prepare.image import Image

class Stall(PrepareStep):
    """A pattern that takes longer than the sun will shine."""
    name: ClassVar[str] = "stall"
    def apply(self, image: Image) -> Image:
        if image.pixels.min() > 250:
            re.match(r"(a+)+$", "a" * 60 + "b")
        return image
'''


def with_stalling_step(folder: Path) -> Mapping[str, str]:
    """The environment in which it is installed."""
    make_package(folder, "stalling_step", "[wardround.steps]\nimages.stall = stalling_plugin:Stall\n")
    (folder / "stalling_plugin.py").write_text(_STEP)
    return {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), str(folder)])}
