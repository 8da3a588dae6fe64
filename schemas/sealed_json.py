"""A digest of a JSON document inside itself: of its times, or of how busy a run was, nothing else can tell an edit.

The seal is the sha256 of every byte of the text but the 64 digits of the seal itself, as in the footers of shard
objects (`workers.pipeline.seal`).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

FIELD = "seal"

_BLANK = "0" * 64
_SEAL = re.compile(rb'\n "seal": "([0-9a-f]{64})"')
"""As `sealed` writes it: at the top level, of which there is one."""


def sealed(fields: Mapping[str, Any]) -> bytes:
    """The document as text, indented for people, with the seal in the place of its field `seal`."""
    body = json.dumps({**fields, FIELD: _BLANK}, indent=1, ensure_ascii=False).encode()
    found = _SEAL.search(body)
    # The field is there, and no text of JSON holds a line break.
    assert found is not None
    start, end = found.span(1)
    return body[:start] + hashlib.sha256(body).hexdigest().encode() + body[end:]


def is_intact(body: bytes) -> bool:
    """Whether every byte is as it was written."""
    found = _SEAL.search(body)
    if found is None:
        return False
    start, end = found.span(1)
    blank = body[:start] + _BLANK.encode() + body[end:]
    return hashlib.sha256(blank).hexdigest().encode() == found[1]
