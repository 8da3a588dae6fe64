"""Words by which a source says what a record means: a status, a qualifier, an answer."""

import re
from functools import lru_cache

BLANK = "an empty line"
"""Why a record is ignored that is none."""


@lru_cache(maxsize=10_000)
def plain_word(text: str) -> str:
    """In lower case, with hyphens: `Entered in Error` and `entered_in_error` are `entered-in-error`."""
    return re.sub(r"[\s_]+", "-", text.strip().lower())
