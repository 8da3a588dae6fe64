"""Names of files made from record ids: safe on every system, and each record's its own."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 120
"""Characters of a name without its ending; file systems take 255 bytes."""
_VOLUMES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
_DEVICES = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""What Windows takes for a device, whatever the ending."""


def file_names(ids: Sequence[str], ending: str) -> list[str]:
    """A name for each of these different ids, with this ending.

    Letters, digits, `.`, `_` and `-` stay, anything else becomes `_`; the ending of a volume goes. A name that is not
    the whole id, or is another's but for capital letters, has 12 digits of the id's sha256 after it.
    """
    plain = [_plain(name) for name in ids]
    times = Counter(name.casefold() for name in plain)
    return [
        (short if is_whole and times[short.casefold()] == 1 else f"{short}-{_digest(name)}") + ending
        for name, short, is_whole in zip(ids, plain, map(_is_whole, ids, plain), strict=True)
    ]


def _plain(name: str) -> str:
    for ending in _VOLUMES:
        if name.lower().endswith(ending) and len(name) > len(ending):
            name = name[: -len(ending)]
            break
    safe = _ODD.sub("_", name)[:_LONGEST].strip(".-") or "record"
    return f"_{safe}" if _DEVICES.match(safe) else safe


def _is_whole(name: str, short: str) -> bool:
    return name == short or any(name.lower() == short.lower() + ending for ending in _VOLUMES)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:12]
