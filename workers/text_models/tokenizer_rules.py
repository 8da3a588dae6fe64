"""What the rules of a `tokenizer.json` may do: neither make texts explode, nor take for ever, nor draw lots.

The library runs them as they stand, in this process and without an end that anybody could set: a dozen `Replace` rules
can make gigabytes of one letter, and a pattern can go over a text until the library panics, or for longer. So growth is
counted, and patterns that are not known are tried first, in a process that may be killed.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from schemas.errors import SpecError
from schemas.import_path import python_path
from workers.models.files import read_json
from workers.text_models.tokenizer_trial import PANIC
from workers.threads import thread_variables

_MOST_GROWTH = 100
_LONGEST_WORD = 10_000
_KNOWN = frozenset({" {2,}", r"\s+", r"\s", "[\\r\\n]", "\\n", r"\d", r"\d{1,3}", "`", "''"})
"""Patterns of published tokenizers that look at each character once."""
_CPU_S = 10
_WALL_S = 300.0


def check_rules(path: Path) -> None:
    """Raises SpecError for a tokenizer whose rules are not to be run, naming the rule."""
    tokenizer = read_json(path)
    steps = [part for key in ("normalizer", "pre_tokenizer") for part in _steps(tokenizer.get(key))]
    _check_growth(steps, path)
    _check_model(tokenizer.get("model"), path)
    unknown = sorted({pattern for step in steps for pattern in _patterns(step)} - _KNOWN)
    if unknown:
        stat = path.stat()
        _try(path, stat.st_mtime_ns, stat.st_size)


def _steps(step: Any) -> Iterator[Mapping[str, Any]]:
    """A normaliser or pre-tokenizer, those of a sequence one by one."""
    if not isinstance(step, Mapping):
        return
    inner = [part for key in ("normalizers", "pretokenizers") for part in step.get(key) or ()]
    if inner:
        for part in inner:
            yield from _steps(part)
    else:
        yield step


def _check_growth(steps: list[Mapping[str, Any]], path: Path) -> None:
    growth = 1.0
    for step in steps:
        if step.get("type") == "Replace":
            pattern, content = step.get("pattern"), str(step.get("content", ""))
            replaced = len(pattern.get("String", "")) if isinstance(pattern, Mapping) else 1
            growth *= max(1.0, len(content) / max(1, replaced))
        if growth > _MOST_GROWTH:
            raise SpecError(
                f"{path}: its Replace rules make a text {growth:g} times as long and more, at most "
                f"{_MOST_GROWTH} times is supported: shorten their content"
            )


def _check_model(model: Any, path: Path) -> None:
    if not isinstance(model, Mapping):
        return
    if model.get("dropout"):
        raise SpecError(f"{path}: model.dropout makes other tokens of a text each time: set it to null")
    longest = model.get("max_input_chars_per_word")
    if isinstance(longest, int | float) and longest > _LONGEST_WORD:
        raise SpecError(
            f"{path}: model.max_input_chars_per_word is {longest}, at most {_LONGEST_WORD} is supported: lower it, "
            "transformers has 100"
        )


def _patterns(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Regex":
                yield str(inner)
            else:
                yield from _patterns(inner)


@cache
def _try(path: Path, changed: int, size: int) -> None:
    """Once a process for each version of a file."""
    command = [sys.executable, "-P", "-m", "workers.text_models.tokenizer_trial", str(path), str(_CPU_S)]
    try:
        ended = subprocess.run(
            command,
            # Nothing of ours is needed there, least of all credentials.
            env={"PYTHONPATH": python_path(), **thread_variables(1)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_WALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        code = -1
    else:
        code = ended.returncode
    if code < 0 or code == PANIC:
        raise SpecError(
            f"{path}: its patterns do not get to the end of a made text of a few hundred letters, or take all memory: "
            "replace the rules with type Split or Replace that have a Regex"
        )
