"""Signs and tick boxes of clinical shorthand: `(-) fever`, `fever -`, `+HA`, `[ ] cough`, `☒ rash`, `edema: -ve`.

A mark becomes one word, by what it says (`absent` or `present`, `empty` or `ticked`) and the side it speaks to: the
colon of `<absent:>` stands where the term is expected, before it, that of `<:absent>` after it. Every other hyphen
that stands alone becomes a dash, and a question mark before its term becomes `¿`.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from workers.ehr.language.words import Word

_BOXES = {"☐": "empty", "□": "empty", "◻": "empty", "☑": "ticked", "☒": "ticked", "✓": "ticked", "✔": "ticked"}
_BOXES |= {"✗": "absent", "✘": "absent"}
_TICKS = frozenset("x*✓✔")
_ITEM_BEGINS_AFTER = frozenset(",;:(|/.-—•*")
_SIGNS = {"-": "absent", "—": "absent", "+": "present"}
_MOST_PLUSES = 4
_OPEN, _CLOSED = frozenset("(["), frozenset(")]")


class _Mark(NamedTuple):
    """`first` to `last` are its words; `side` is -1 before its term, 1 after it, 0 where only the line can tell."""

    says: str
    first: int
    last: int
    side: int
    bare: bool


def with_marks(words: Sequence[Word]) -> list[Word]:
    """The words, each mark of them one word that says what it means."""
    found: list[Word] = []
    at = 0
    for size in _line_sizes(words):
        found.extend(_line(words[at : at + size]))
        at += size
    return found


def _line_sizes(words: Sequence[Word]) -> list[int]:
    number, numbers = 0, []
    for place, word in enumerate(words):
        numbers.append(number)
        last_of_line = word.ends_line and not (place + 1 < len(words) and words[place + 1].text in ".,")
        number += last_of_line
    return [len(list(group)) for _, group in groupby(numbers)]


def _line(words: Sequence[Word]) -> list[Word]:
    marks = _sided(words, _credible(words, [mark for place in range(len(words)) if (mark := _mark(words, place))]))
    found: list[Word] = []
    at = 0
    for mark in marks:
        if mark.first < at:
            continue
        found.extend(words[at : mark.first])
        text = f"<{mark.says}:>" if mark.side < 0 else f"<:{mark.says}>"
        last = words[mark.last - 1]
        found.append(Word(text, words[mark.first].start, last.end, last.ends_line, last.ends_item))
        at = mark.last
    found.extend(words[at:])
    return _dashes(_questions(found))


def _dashes(words: Sequence[Word]) -> list[Word]:
    """The words, a hyphen that stands alone as a dash."""
    alone = [
        word.text == "-" and before.end < word.start and word.end < after.start
        for before, word, after in zip(words, words[1:], words[2:], strict=False)
    ]
    return [
        word._replace(text="—") if is_alone else word
        for word, is_alone in zip(words, [False, *alone, False][: len(words)], strict=True)
    ]


def _questions(words: Sequence[Word]) -> list[Word]:
    """The words, a question mark before its term as one that opens."""
    found: list[Word] = []
    opens = False
    for before, word, after in zip([None, *words], words, [*words[1:], None], strict=False):
        if word.text == "?" and (before is None or before.text != "?"):
            glued = before is not None and before.end == word.start
            opens = not (glued and before is not None and (before.text[0].isalnum() or before.text in ")]"))
        leads = after is not None and not word.ends_item and after.text[0].isalpha()
        found.append(word._replace(text="¿") if word.text == "?" and opens and leads else word)
    return found


def _credible(words: Sequence[Word], marks: Sequence[_Mark]) -> list[_Mark]:
    """Marks without the dashes that are bullets: those of a line that its first dash opens, with no bare plus near."""
    before = [mark for mark in marks if mark.bare and mark.side < 0]
    if any(mark.says == "present" for mark in before) or "ros" in [word.text for word in words[:3]]:
        return [mark for mark in marks if mark.first > 0 or not _is_bullet(words, mark)]
    dashes = [mark.first for mark in before]
    if not dashes or dashes[0] == 0 or words[dashes[0] - 1].text == ":":
        return [mark for mark in marks if mark not in before]
    return [mark for mark in marks if mark not in before or _touch(words, mark.last)]


def _is_bullet(words: Sequence[Word], mark: _Mark) -> bool:
    """Whether a sign that opens a line says nothing: `- ROS: -fever`."""
    return mark.bare and mark.says == "absent" and words[mark.last].text == "ros"


def _sided(words: Sequence[Word], marks: Sequence[_Mark]) -> list[_Mark]:
    """Marks between words take the side of the line's first; where that is between words too, of the line's last."""
    if not marks:
        return []
    closes = all(word.text in ".,;" for word in words[marks[-1].last :])
    usual = marks[0].side or (1 if closes else -1)
    return [mark._replace(side=mark.side or usual) for mark in marks]


def _mark(words: Sequence[Word], at: int) -> _Mark | None:
    text = words[at].text
    if text in _BOXES:
        return _between(words, _BOXES[text], at, at + 1)
    if text in _OPEN:
        return _in_brackets(words, at)
    return _bare(words, at) if text in _SIGNS else None


def _in_brackets(words: Sequence[Word], at: int) -> _Mark | None:
    inside = [word.text for word in words[at + 1 : at + 3]]
    if inside and inside[0] in _CLOSED and words[at + 1].start - words[at].end <= 3:
        return _between(words, "empty", at, at + 2)
    if len(inside) < 2 or inside[1] not in _CLOSED:
        return None
    if inside[0] == "_":
        return _between(words, "empty", at, at + 3)
    if inside[0] in _TICKS:
        return _between(words, "ticked", at, at + 3)
    return _between(words, _SIGNS[inside[0]], at, at + 3) if inside[0] in _SIGNS else None


def _between(words: Sequence[Word], says: str, first: int, last: int) -> _Mark:
    answers = first > 0 and words[first - 1].text == ":" and words[last - 1].ends_item
    if not answers and (first == 0 or words[first - 1].text in _ITEM_BEGINS_AFTER):
        side = -1
    else:
        side = 1 if words[last - 1].ends_item or (last < len(words) and words[last].text in ".,;") else 0
    return _Mark(says, first, last, side, bare=False)


def _bare(words: Sequence[Word], at: int) -> _Mark | None:
    sign, says = words[at], _SIGNS[words[at].text]
    last = at + 1
    while last < min(len(words), at + _MOST_PLUSES) and words[last].text == sign.text == "+" and _touch(words, last):
        last += 1
    before = words[at - 1] if at else None
    after = words[last] if last < len(words) else None
    if after is not None and after.text == "ve" and after.start == sign.end:
        return _between(words, says, at, last + 1)
    tight_before = before is not None and before.end == sign.start and before.text[0].isalnum()
    tight_after = after is not None and after.start == words[last - 1].end and not words[last - 1].ends_line
    ends = words[last - 1].ends_item and not _opens(after, tight_after)
    if sign.text == "—":
        ends = after is not None and after.text in ",;"
    if before is not None and ends and (before.text[0].isalpha() or before.text == ":"):
        return _Mark(says, at, last, 1, bare=False)
    if tight_before or after is None or not after.text[0].isalpha():
        return None
    begins = before is None or before.text in _ITEM_BEGINS_AFTER
    return _Mark(says, at, last, -1, bare=True) if tight_after or begins else None


def _touch(words: Sequence[Word], at: int) -> bool:
    return words[at].start == words[at - 1].end


def _opens(after: Word | None, tight: bool) -> bool:
    """Whether a sign that could end an item stands at the first letter of the next word."""
    return tight and after is not None and after.text[0].isalnum()
