"""The entries of the corpus, one a mistake.

    - mistake: what was done wrong, in a few words
      base: the spec that was right before (`tests.support.mistakes.world`); `images` if left out
      set: {dotted.key: value}       put into that spec; null takes the key out
      text: the whole text of the spec instead
      write: {path: text}            files in the case's folder
      do: [name, arguments...]       damage that no text can do (`tests.support.mistakes.damage`)
      env: {NAME: value}             null takes the variable away
      run: [words]                   instead of `run SPEC`; several lists are several commands, each must end alike
      code: exit code
      says: [parts of the message]   what is named, and the remedy
      within: seconds                at most; 3 if left out, on an idle machine
      alone: true                    only as a process of its own shows it
      as_user: true                  as somebody who may not read everything

`HERE` in any text is the case's folder; ENDPOINT, BUCKET, KEY and SECRET are those of an S3 server on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parents[2] / "cases" / "mistakes"


@dataclass(frozen=True)
class Mistake:
    """One entry. `area` is the name of its file."""

    area: str
    mistake: str
    code: int
    says: Sequence[str]
    base: str = "images"
    set: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    write: Mapping[str, str] = field(default_factory=dict)
    do: Sequence[Any] = ()
    env: Mapping[str, str | None] = field(default_factory=dict)
    run: Sequence[Any] = ("run", "SPEC")
    within: float = 3.0
    alone: bool = False
    as_user: bool = False

    @property
    def commands(self) -> Sequence[Sequence[str]]:
        """The command lines, each without the program's name."""
        return self.run if self.run and isinstance(self.run[0], list) else [self.run]

    def __str__(self) -> str:
        return f"{self.area}: {self.mistake}"


def corpus() -> list[Mistake]:
    """Every mistake, by area."""
    return [
        Mistake(area=path.stem, **entry)
        for path in sorted(CASES.glob("*.yaml"))
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]
