"""Cut a note into the stretches that a trigger cannot reach beyond.

A stretch ends where a sentence does. What a pipeline takes for the start of a sentence counts where a full stop or a
line break stands before it: parsers of news split clinical shorthand in its middle. A line of a list, a heading and a
blank line end a stretch too, whatever the pipeline made of them, but a sentence may run on over a broken line.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

Span = tuple[int, int]

_NEWLINE = re.compile(r"[ \t]*(?:\r\n|\r|\n)")
_STARTS_ANEW = re.compile(
    r"[ \t]*(?:[\r\n]|\Z|[-*•·▪◦+#>=\[]|\d{1,3}[.)]|[^\W\d_]{1,40}(?: [^\W\d_]{1,40}){0,3}:|[A-ZÀ-Þ0-9])"
)
_RUNS_ON = re.compile(
    r"(?:[,(/&-]|\b(?:and|or|of|with|without|for|the|a|an|to|in|on|at|by|from|no|not|nor|any|is|was|has|had|her|his|per"
    r"|but|that|due|as|denies|denied|possible|probable|likely|mild|moderate|severe|acute|chronic|left|right|new))\Z",
    re.IGNORECASE,
)
_ENDS_SENTENCE = re.compile(r"[.!?;:][\"')\]]*\s*\Z|[\r\n]\s*\Z")
_OWN_END = re.compile(r"(?<![\d\s.][.])(?<!\bDr[.])(?<!\bMr[.])(?<!\bMrs[.])(?<=[.!?])[\"')\]]*\s+(?=[^\s a-z])")
_LOOK_BACK = 40


def segments(text: str, sentence_starts: Iterable[int] | None = None) -> list[Span]:
    """Stretches of the text in order, without gaps. `sentence_starts`: of a pipeline; without them by punctuation."""
    starts = _own_starts(text) if sentence_starts is None else _believable(text, sentence_starts)
    cuts = sorted({0, len(text), *starts, *_line_breaks(text)})
    return [(begin, end) for begin, end in pairwise(cuts) if begin < end]


def segment_of(spans: Sequence[Span], at: int) -> Span:
    """The stretch that has the character `at`."""
    return spans[bisect_right(spans, at, key=lambda span: span[0]) - 1]


def _own_starts(text: str) -> list[int]:
    return [match.end() for match in _OWN_END.finditer(text)]


def _believable(text: str, starts: Iterable[int]) -> list[int]:
    return [start for start in starts if _ENDS_SENTENCE.search(text, max(0, start - _LOOK_BACK), start)]


def _line_breaks(text: str) -> list[int]:
    return [
        match.end()
        for match in _NEWLINE.finditer(text)
        if _STARTS_ANEW.match(text, match.end())
        and not _RUNS_ON.search(text, max(0, match.start() - _LOOK_BACK), match.start())
    ]
