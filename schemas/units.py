"""Sizes, shares and durations as people write them."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

_SIZE = re.compile(r"^\s*([0-9]+(?:\.[0-9]*)?)\s*([KMGT]?i?B?)\s*$", re.IGNORECASE)
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SHARE = re.compile(r"^\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(%?)\s*$")
_DURATION = re.compile(r"^\s*([0-9]+(?:\.[0-9]*)?)\s*(ms|s|m|min|h)?\s*$")
_SECONDS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_bytes(value: object) -> object:
    """`24GiB`, `500MB`, `1024` as a number of bytes."""
    if not isinstance(value, str):
        return value
    match = _SIZE.match(value)
    if match is None:
        raise ValueError(f"{value!r} is not a size; write 24GiB, 500MB or a number of bytes")
    unit = match[2].lower().removesuffix("b")
    return int(float(match[1]) * (_BINARY[unit] if unit in _BINARY else _FACTORS[unit]))


def parse_share(value: object) -> object:
    """`5%` or `0.05` as 0.05."""
    if isinstance(value, str):
        match = _SHARE.match(value)
        if match is None:
            raise ValueError(f"{value!r} is not a share; write 5% or 0.05")
        if match[2]:
            return float(match[1]) / 100
        value = float(match[1])
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 < value <= 100:
        raise ValueError(f"{value:g} is more than all of them; write {value:g}% or {value / 100:g}")
    return value


def parse_seconds(value: object) -> object:
    """`90`, `90s`, `5m`, `2h` as seconds."""
    if not isinstance(value, str):
        return value
    match = _DURATION.match(value)
    if match is None:
        raise ValueError(f"{value!r} is not a duration; write 90s, 5m or 2h")
    return float(match[1]) * _SECONDS[match[2]]


Bytes = Annotated[
    int, BeforeValidator(parse_bytes, json_schema_input_type=int | str), Field(json_schema_extra={"format": "size"})
]
Share = Annotated[
    float,
    BeforeValidator(parse_share, json_schema_input_type=float | str),
    Field(json_schema_extra={"format": "share"}),
]
Seconds = Annotated[
    float,
    BeforeValidator(parse_seconds, json_schema_input_type=float | str),
    Field(le=1e9, json_schema_extra={"format": "duration in seconds"}),
]
"""At most some thirty years, which every clock and lock can count."""


def _separates(value: str) -> str:
    if value in '"\r\n' or not value.isascii():
        raise ValueError("must be one ASCII character other than a quote or a line break")
    return value


Delimiter = Annotated[str, Field(min_length=1, max_length=1), AfterValidator(_separates)]
"""What stands between the fields of CSV."""
