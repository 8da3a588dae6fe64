"""Words of a text as the trigger rules see them."""

import re
from typing import NamedTuple

END_OF_LINE = "<eol>"

_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)*|[^\w\s]|_")
_IN_PHRASE = re.compile(r"<eol>|[^\W_]+(?:['’][^\W\d_]+)*|[^\w\s]|_")
_LINE_END = re.compile(r"[ \t.,]*(?:[\r\n]|\Z)")


class Word(NamedTuple):
    """A word or sign, lower case with a straight apostrophe. Offsets are characters of the whole text.

    `ends_line`: nothing but a full stop or comma stands after it on its line.
    """

    text: str
    start: int
    end: int
    ends_line: bool


def words_of(text: str, start: int = 0, end: int | None = None) -> list[Word]:
    """The words of a stretch of a text."""
    stop = len(text) if end is None else end
    return [
        Word(_plain(match[0]), match.start(), match.end(), _LINE_END.match(text, match.end()) is not None)
        for match in _WORD.finditer(text, start, stop)
    ]


def words_of_phrase(phrase: str) -> tuple[str, ...]:
    """The words of a rule's phrase; `<eol>` stays one."""
    return tuple(_plain(word) for word in _IN_PHRASE.findall(phrase.lower()))


def _plain(word: str) -> str:
    return word.lower().replace("’", "'")
