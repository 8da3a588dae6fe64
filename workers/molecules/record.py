"""One molecule as the input has it, and what can be told of its SMILES without parsing it."""

import re
from dataclasses import dataclass
from typing import Any

from schemas.status import Status

_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Molecule:
    """A row of the plan. `smiles` is None where `fault` says why."""

    record_id: str | None
    subject_id: str | None
    smiles: str | None
    fault: Status | None = None
    detail: str = ""
    carried: tuple[Any, ...] = ()


def check_smiles(value: str | bytes | None, max_chars: int) -> tuple[str | None, Status | None, str]:
    """The SMILES, or a status and why: `empty`, `too_large`, `unreadable`."""
    if value is None:
        return None, Status.EMPTY, "there is no SMILES"
    if len(value) > max_chars:
        return None, Status.TOO_LARGE, f"the SMILES has more than {max_chars} characters"
    if isinstance(value, bytes):
        value = as_text(value)
    value = value.strip()
    if not value:
        return None, Status.EMPTY, "there is no SMILES"
    if not value.isprintable() or has_no_text(value):
        return None, Status.UNREADABLE, "the SMILES has characters that are not text"
    return value, None, ""


def as_text(data: bytes) -> str:
    """Bytes that are no UTF-8 become half characters, which `has_no_text` finds."""
    return data.decode("utf-8", "surrogateescape")


def has_no_text(value: str) -> bool:
    """Whether some bytes of it were no text."""
    return not value.isascii() and _HALF.search(value) is not None


def replaced(value: str | None) -> str | None:
    """A value with U+FFFD for what was no text."""
    return value if value is None or value.isascii() else _HALF.sub("\ufffd", value)
