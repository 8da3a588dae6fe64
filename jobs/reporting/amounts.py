"""Amounts and values as people read them."""

from collections.abc import Mapping
from typing import Any

from schemas.wording import counted


def size(number: float) -> str:
    """Bytes for people: `3.2 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} PiB"


def duration(seconds: float) -> str:
    """Seconds for people: `4.2 s`, `3 min 10 s`, `5 h 2 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 or seconds == round(seconds) else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


_VALUES = 6
_LETTERS = 40
_ITEMS = 4


def values_text(values: Mapping[str, Any]) -> str:
    """Values of a record by column on one line: `score_pneumonia 0.731, entities 3 items`, the first few of many."""
    named = [f"{name} {_value(value)}" for name, value in values.items() if value is not None]
    more = [f"and {len(named) - _VALUES} more"] if len(named) > _VALUES else []
    return ", ".join([*named[:_VALUES], *more])


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        few = 0 < len(value) <= _ITEMS and all(isinstance(item, int | float) for item in value)
        return f"[{', '.join(map(_value, value))}]" if few else counted(len(value), "item")
    text = str(value)
    return text if len(text) <= _LETTERS else f"{text[:_LETTERS]}..."
