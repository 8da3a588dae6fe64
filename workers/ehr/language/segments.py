"""Cut a note into the stretches that a trigger cannot reach beyond.

A stretch ends where a sentence does: by punctuation, and where a pipeline starts a sentence after a full stop or a
line break (parsers of news split clinical shorthand in its middle). A question mark before its term (`? PE`) and a
form's question with its answer on the line (`Fever? No`) end none. A line of a list, a heading and a blank line end a
stretch whatever the pipeline made of them, and so does a short line that nothing leads over to the next; a sentence
may run on over the lines of broken text.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

Span = tuple[int, int]

_NEWLINE = re.compile(r"\r\n|\r|\n")
_STARTS_ANEW = re.compile(
    r"[ \t]*(?:[\r\n]|\Z|[-*•·▪◦‣–—+#>=\[☐☑☒□✓✔(]|\d{1,3}[.)]"
    r"|[^\W\d_]{1,40}(?: [^\W\d_]{1,40}){0,3}[:?]|[A-ZÀ-Þ0-9])"
)
_CAPITAL = re.compile(r"[A-ZÀ-Þ]{2,40}\b(?![ \t]*[:?])(?! [A-Z]{1,40}[ \t]{0,8}:)")
"""A word in capitals, no heading: text in capitals is broken over lines like any other."""
_RUNS_ON = re.compile(
    r"(?:[,(/&]|\b(?:and|or|of|with|without|for|the|a|an|to|in|on|at|by|from|no|not|nor|any|is|was|has|had|her|his|per"
    r"|but|that|due|as|denies|denied|possible|probable|likely|mild|moderate|severe|acute|chronic|left|right|new|if"
    r"|are|were|be|been|than|into|which|who|rule out|r/o))\Z",
    re.IGNORECASE,
)
_RUNS_IN = re.compile(
    r"[ \t]*(?:and|or|nor|but|of|with|without|for|to|in|on|at|by|from|is|was|are|were|has|had|which|who|that|than"
    r"|due|as|vs|versus)\b"
)
_ENDS_SENTENCE = re.compile(r"[.!?;][\"')\]]{0,4}\s*\Z|[\r\n]\s*\Z")
_OWN_END = re.compile(
    r"(?<=[.!?])[\"')\]]{0,4}\s+(?=[^\s a-z])|(?<=[a-z]{2}[.])(?=[A-Z][a-z])|(?<=[a-z]{2}[.])[^\S\r\n]{1,3}(?=[a-z])"
)
_LIST_NUMBER = re.compile(r"(?:\A|[\r\n.;:])\s*\d{1,2}\.\Z")
_ABBREVIATION = re.compile(
    r"\b(?:dr|mr|mrs|ms|prof|st|vs|e\.g|i\.e|approx|pt|hx|dx|sx|fx|s\.p|h\.o|cf|fig|dept|poss|prob|susp|prev)\.\Z",
    re.IGNORECASE,
)
_SHORTENED = re.compile(
    r"\b(?:resp|temp|abd|neg|pos|hosp|max|min|inj|tabs?|caps?|wks?|hrs?|mos|yrs?|ext|cont|incl|sig|est|std"
    r"|bilat|med|freq|avg|no)\.\Z",
    re.IGNORECASE,
)
"""Abbreviations that end no sentence where the next word is in lower case."""
_QUESTION = re.compile(r"(?:\A|[^\w)\]?])\?{1,3}\s*\Z")
_ANSWER = re.compile(r"[ \t]*(?:yes|no|none|nil|y|n|denies|denied|neg|negative|pos|positive)\b", re.IGNORECASE)
_ANSWERED = re.compile(
    r"(?:\A|[.;,])[^.;,]{0,40}?(?:[:?\t]|\w(?<!\bis)(?<!\bare)(?<!\bwas)(?<!\bwere)(?<!\bhas)(?<!\bhad)(?<!\bwith)(?<!\band)"
    r"(?<!\bor)(?<!\bbut)(?<!\bof)(?<!\bhave)(?<!\bshows)(?<!\bshowed)(?<!\breveals)(?<!\breported))[ \t]*no\Z",
    re.IGNORECASE,
)
_LOOK_BACK = 40
_SHORT_LINE = 45
"""Characters of a line that no broken text is broken at."""


def segments(text: str, sentence_starts: Iterable[int] | None = None) -> list[Span]:
    """Stretches of the text in order, without gaps. `sentence_starts`: of a pipeline, beside those by punctuation."""
    starts = [*_own_starts(text), *_believable(text, sentence_starts or ())]
    within = [start for start in starts if _really_starts(text, start)]
    cuts = sorted({0, len(text), *within, *_line_breaks(text)})
    return [(begin, end) for begin, end in pairwise(cuts) if begin < end]


def segment_of(spans: Sequence[Span], at: int) -> Span:
    """The stretch that has the character `at`."""
    return spans[bisect_right(spans, at, key=lambda span: span[0]) - 1]


def joined_at(spans: Sequence[Span], terms: Sequence[Span]) -> list[Span]:
    """The stretches, those that a term lies across as one. Terms are sorted."""
    ends = {end for _, end in spans}
    for start, end in terms:
        first = bisect_right(spans, start, key=lambda span: span[1])
        last = bisect_left(spans, end, first, key=lambda span: span[1])
        ends.difference_update(spans[place][1] for place in range(first, min(last, len(spans) - 1)))
    return list(pairwise([spans[0][0], *sorted(ends)])) if spans else []


def _own_starts(text: str) -> list[int]:
    return [match.end() for match in _OWN_END.finditer(text)]


def _believable(text: str, starts: Iterable[int]) -> list[int]:
    return [start for start in starts if _ENDS_SENTENCE.search(text, max(0, start - _LOOK_BACK), start)]


def _really_starts(text: str, start: int) -> bool:
    """Whether what ends before `start` is a sentence: no abbreviation, list's number or question of a form."""
    before = text[max(0, start - _LOOK_BACK) : start]
    said = before.rstrip()
    if "\n" in before[len(said) :] or "\r" in before[len(said) :]:
        return True
    if said.endswith("?"):
        return _QUESTION.search(said) is None and _ANSWER.match(text, start, start + _LOOK_BACK) is None
    if not said.endswith("."):
        return True
    if text[start : start + 1].islower() and _SHORTENED.search(said):
        return False
    return not (_LIST_NUMBER.search(said) or _ABBREVIATION.search(said))


def _line_breaks(text: str) -> Iterator[int]:
    begin = 0
    for match in _NEWLINE.finditer(text):
        before = text[max(begin, match.start() - 2 * _LOOK_BACK) : match.start()].rstrip()
        if _breaks(text, before, match.end()):
            yield match.end()
        begin = match.end()


def _breaks(text: str, before: str, at: int) -> bool:
    """Whether a line break before `at` ends a stretch; `before` is the end of the line before it."""
    if _RUNS_ON.search(before) and not _ANSWERED.search(before):
        return _NEWLINE.match(text, at) is not None
    if _STARTS_ANEW.match(text, at):
        broken = before.isupper() and len(before) > _SHORT_LINE and before[-1].isalpha()
        return not (broken and _CAPITAL.match(text, at))
    return len(before) < _SHORT_LINE and _RUNS_IN.match(text, at) is None
