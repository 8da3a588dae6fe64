"""Phrases of trigger rules: how they are written, and where in a text they stand.

A phrase is words. `{a|b c|}` is one of several, also nothing; `<2>` is up to two words, none of them a sign, a
conjunction or a denial; `<name>` is a word of the list of that name; `<number>` and `<year>` are what they say;
`<eol>` and `<end>`, last in a phrase, are the end of the line and of an item (`Word`). `<absent:>` and the like are
marks (`marks`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, Generic, TypeVar

from schemas.errors import SpecError
from workers.ehr.language.words import Word, word_texts

END_OF_LINE, END_OF_ITEM = "<eol>", "<end>"
ANY = "<any>"

_PARTS = re.compile(r"\{[^{}]*\}|<[a-z0-9_:-]+>|[^{}<>]+|[{}<>]")
_MOST_FORMS = 5000
_FEW = 3
"""From so many words on the words of a choice are one label together: the tree would else have a branch for each."""
_MOST_BETWEEN = 6
_NEVER_BETWEEN = frozenset(
    {"but", "however", "although", "though", "except", "and", "or", "nor"}
    | {"not", "no", "never", "without", "denies", "denied"}
)
_NUMBERS = frozenset(
    {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve"}
    | {"few", "several", "couple", "many", "multiple"}
)
_BUILT_IN = frozenset(
    {"<number>", "<year>", END_OF_LINE, END_OF_ITEM}
    | {f"<{says}:>" for says in ("absent", "present", "empty", "ticked")}
    | {f"<:{says}>" for says in ("absent", "present", "empty", "ticked")}
)
_YEAR = re.compile(r"(?:19|20)\d\d\Z")
_NUMBER = re.compile(r"\d{1,4}\Z")


def forms(phrase: str, lists: Mapping[str, frozenset[str]]) -> list[tuple[str, ...]]:
    """Every form of a phrase, as the labels of its words. Raises SpecError for one that is not written as above."""
    choices = [_choices(part, phrase, lists) for part in _PARTS.findall(phrase)]
    total = 1
    for choice in choices:
        total *= len(choice)
    if total > _MOST_FORMS:
        raise SpecError(f"context rules: {phrase!r} has more than {_MOST_FORMS} forms: write several phrases")
    found = {tuple(label for piece in pieces for label in piece) for pieces in product(*choices)}
    for form in found:
        if (
            not form
            or form[0] in (END_OF_LINE, END_OF_ITEM, ANY)
            or any(label in (END_OF_LINE, END_OF_ITEM) for label in form[:-1])
        ):
            raise SpecError(
                f"context rules: {phrase!r} is no phrase: words first, and at most one <eol> or <end>, last"
            )
    return sorted(found)


def _choices(part: str, phrase: str, lists: Mapping[str, frozenset[str]]) -> list[tuple[str, ...]]:
    if part in "{}<>":
        raise SpecError(f"context rules: {phrase!r} has a {part!r} without its other half")
    if part[0] == "{":
        found = list(dict.fromkeys(tuple(_labels(choice, phrase, lists)) for choice in part[1:-1].split("|")))
        single = sorted(choice[0] for choice in found if len(choice) == 1 and choice[0] not in _BUILT_IN | {ANY})
        single = [word for word in single if word[0] != "<"]
        if len(single) < _FEW:
            return found
        return [*(choice for choice in found if len(choice) != 1 or choice[0] not in single), (_one_of(single),)]
    between = re.fullmatch(r"<(\d)>", part)
    if between:
        most = min(int(between[1]), _MOST_BETWEEN)
        return [(ANY,) * count for count in range(most + 1)]
    return [tuple(_labels(part, phrase, lists))]


def _one_of(words: Sequence[str]) -> str:
    return "{" + "|".join(words) + "}"


def _labels(part: str, phrase: str, lists: Mapping[str, frozenset[str]]) -> Iterator[str]:
    for piece in re.findall(r"<[^<>]*>|[^<>]+", part.lower()):
        if piece[0] != "<":
            yield from word_texts(piece)
        elif piece in _BUILT_IN or piece[1:-1] in lists:
            yield piece
        else:
            raise SpecError(f"context rules: {phrase!r} names {piece}, which is no list of the rules")


Meaning = TypeVar("Meaning")


class PhraseBook(Generic[Meaning]):
    """All forms of all phrases as a tree by labels; at each word of a text the tree is walked."""

    def __init__(self, lists: Mapping[str, frozenset[str]]) -> None:
        self._lists = lists
        self._tree: dict[str, Any] = {}
        self._choices: set[str] = set()
        self._named: dict[str, list[str]] = defaultdict(list)
        for name, words in lists.items():
            self._name(f"<{name}>", words)
        self._labels = lru_cache(maxsize=1 << 14)(self._labels_of)

    def add(self, phrase: str, meaning: Meaning) -> None:
        """Raises SpecError for a phrase that is not written as a phrase."""
        for form in forms(phrase, self._lists):
            node = self._tree
            for label in form:
                if label[0] == "{" and label not in self._choices:
                    self._choices.add(label)
                    self._name(label, label[1:-1].split("|"))
                node = node.setdefault(label, {})
            meanings = node.setdefault("", [])
            if meaning not in meanings:
                meanings.append(meaning)

    def _name(self, label: str, words: Iterable[str]) -> None:
        for word in words:
            self._named[word].append(label)

    def find(self, words: Sequence[Word]) -> Iterator[tuple[int, int, bool, Meaning]]:
        """Every phrase that stands in the words: its first, the one after its last, whether an end is part of it,
        and what it means."""
        labels = [self._labels(word.text) for word in words]
        for first in range(len(words)):
            nodes, at = [self._tree], first
            seen: set[tuple[int, bool, int]] = set()
            while at < len(words) and (nodes := [node[one] for node in nodes for one in labels[at] if one in node]):
                at += 1
                for closed, meaning in (found for node in nodes for found in _said(node, words[at - 1])):
                    if (at, closed, id(meaning)) not in seen:
                        seen.add((at, closed, id(meaning)))
                        yield first, at, closed, meaning

    def _labels_of(self, text: str) -> tuple[str, ...]:
        named = ["-"] if text == "—" else []
        named += self._named.get(text, ())
        if text in _NUMBERS or _NUMBER.match(text):
            named.append("<number>")
        if _YEAR.match(text):
            named.append("<year>")
        if text[0].isalnum() and text not in _NEVER_BETWEEN:
            named.append(ANY)
        return (text, *named)


def _said(node: Mapping[str, Any], word: Word) -> Iterator[tuple[bool, Any]]:
    for meaning in node.get("", ()):
        yield False, meaning
    for label, stands in ((END_OF_LINE, word.ends_line), (END_OF_ITEM, word.ends_item)):
        if stands and label in node:
            for meaning in node[label][""]:
                yield True, meaning
