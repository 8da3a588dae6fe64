"""Words of a text as the trigger rules see them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)*|[^\w\s]|_")
_SAME = str.maketrans({"’": "'", "‐": "-", "‑": "-", "−": "-", "‒": "—", "–": "—", "―": "—"})
_ENDS_ITEM = frozenset(',;|)]"”»')


class Word(NamedTuple):
    """A word or sign, lower case, with a straight apostrophe and of dashes `-` and `—` alone.

    Offsets are characters of the text. `ends_line`: nothing but full stops and commas stands after it on its line.
    `ends_item`: an answer could end with it, because a comma, a bracket, a quote, a full stop, a tab, several blanks,
    or the end of the line or of the stretch comes next.
    """

    text: str
    start: int
    end: int
    ends_line: bool
    ends_item: bool


def words_of(text: str, start: int = 0, end: int | None = None) -> list[Word]:
    """The words of a stretch of a text."""
    stop = len(text) if end is None else end
    found = [(plain(match[0]), match.start(), match.end()) for match in _WORD.finditer(text, start, stop)]
    words: list[Word] = []
    for place in range(len(found) - 1, -1, -1):
        word, begin, last = found[place]
        after = words[-1] if words else None
        words.append(Word(word, begin, last, *_ends(text[last : after.start if after else stop], after, last, text)))
    return words[::-1]


def _ends(gap: str, after: Word | None, last: int, text: str) -> tuple[bool, bool]:
    """Whether a word ends a line and an item, by the blanks behind it and the word after them."""
    breaks = "\n" in gap or "\r" in gap
    if after is None:
        return breaks or last + len(gap) >= len(text), True
    ends_line = breaks or (after.text in ".," and after.ends_line)
    stands_apart = breaks or "\t" in gap or len(gap) > 3 or (len(gap) > 1 and not text[after.start].islower())
    full_stop = not gap and after.text == "." and (after.ends_item or text[after.end].isspace())
    return ends_line, stands_apart or after.text in _ENDS_ITEM or full_stop


def word_texts(phrase: str) -> Sequence[str]:
    """The words of a part of a rule's phrase."""
    return [plain(match[0]) for match in _WORD.finditer(phrase)]


def plain(word: str) -> str:
    """A word as rules are compared with it."""
    return word.lower().translate(_SAME)
