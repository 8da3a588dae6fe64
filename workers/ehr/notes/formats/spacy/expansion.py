"""How much a config of spaCy becomes once its variables are put in, counted before they are.

A value may name another as `${section.key}`, and that two more, and so on: forty lines can stand for more characters
than any memory holds, and a section that is named in two places for a tree that nobody gets to the end of.
"""

import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from typing import Any

from schemas.errors import SpecError

_MOST_SECTIONS = 2_000
_MOST_DOTS = 20
_MOST_SIGNS = 5_000
_MOST_PUT_IN = 20_000
_MOST_CHARACTERS = 4 << 20
_MOST_VALUES = 200_000
_DEEPEST = 100
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


def check_variables(text: str) -> None:
    """Raises SpecError for a config whose variables stand for too much, or for themselves; configparser.Error for what
    is no config.
    """
    if text.count("$") > _MOST_SIGNS or text.count("\n[") > _MOST_SECTIONS:
        raise SpecError("has too many variables or sections, which no pipeline's config has")
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]  # as spaCy's own, which keeps capitals
    parser.read_string(text)
    if any(section.count(".") > _MOST_DOTS for section in parser.sections()):
        raise SpecError("has sections in sections without end, which no pipeline's config has")
    values = {f"{section}.{key}": value for section in parser.sections() for key, value in parser.items(section)}
    known: dict[str, tuple[int, int]] = {}
    put_in = characters = 0
    for name in values:
        one = _measure(name, values, known, ())
        put_in, characters = put_in + one[0], characters + one[1]
        if put_in > _MOST_PUT_IN or characters > _MOST_CHARACTERS:
            raise SpecError(f"the variables of {name!r} stand for too much: write it plainly")


def _measure(
    name: str, values: Mapping[str, str], known: dict[str, tuple[int, int]], above: tuple[str, ...]
) -> tuple[int, int]:
    """Variables that are put in for a value, and its characters then; a section counts as nothing."""
    if name in above or len(above) > _DEEPEST:
        raise SpecError(f"the variable {name!r} stands for itself: write it plainly")
    if name not in known:
        section, _, _ = name.rpartition(".")
        put_in, characters = 0, len(values[name])
        for variable in _VARIABLE.findall(values[name]):
            path = variable.replace(":", ".")
            path = path if "." in path else f"{section}.{path}"
            # A key that is named as its own value is a section of that name.
            if path in values and path != name:
                inner = _measure(path, values, known, (*above, name))
                put_in, characters = put_in + 1 + inner[0], characters + inner[1]
        known[name] = put_in, characters
    return known[name]


def check_values(config: Mapping[str, Any]) -> None:
    """Raises SpecError for a config with its variables put in that holds itself, or the same sections too often."""
    level: list[Any] = [config]
    seen = 0
    for _ in range(_DEEPEST):
        level = [part for one in level for part in _parts(one)]
        seen += len(level)
        if not level:
            return
        if seen > _MOST_VALUES:
            break
    raise SpecError("its variables name sections that hold each other: write them plainly")


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value
