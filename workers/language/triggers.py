"""Find the triggers of the context rules in a run of words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from schemas.errors import SpecError
from workers.language.rules import TriggerGroup
from workers.language.words import END_OF_LINE, Word, words_of_phrase


class Trigger(NamedTuple):
    """A phrase that was found: the words `first` to `last` (exclusive), and every group that has it."""

    first: int
    last: int
    groups: tuple[TriggerGroup, ...]


class TriggerFinder:
    """All phrases of all groups, by their first word."""

    def __init__(self, groups: Iterable[TriggerGroup]) -> None:
        """Raises SpecError for a phrase without a word."""
        found: dict[tuple[str, ...], dict[int, TriggerGroup]] = defaultdict(dict)
        for number, group in enumerate(groups):
            for phrase in group.phrases:
                words = words_of_phrase(phrase)
                if not words or words[0] == END_OF_LINE or END_OF_LINE in words[:-1]:
                    raise SpecError(f"context rules: {phrase!r} is no phrase: words, and at most one <eol> at the end")
                found[words][number] = group
        self._by_first: dict[str, list[tuple[tuple[str, ...], tuple[TriggerGroup, ...]]]] = defaultdict(list)
        for words, named in found.items():
            self._by_first[words[0]].append((words, tuple(named.values())))
        for phrases in self._by_first.values():
            phrases.sort(key=lambda item: -len(item[0]))

    def find(self, words: Sequence[Word]) -> list[Trigger]:
        """Left to right, the longest at each place, none inside another."""
        found: list[Trigger] = []
        at = 0
        while at < len(words):
            trigger = self._at(words, at)
            if trigger is None:
                at += 1
            else:
                found.append(trigger)
                at = trigger.last
        return found

    def _at(self, words: Sequence[Word], at: int) -> Trigger | None:
        for phrase, groups in self._by_first.get(words[at].text, ()):
            size = _match(phrase, words, at)
            if size:
                return Trigger(at, at + size, groups)
        return None


def _match(phrase: tuple[str, ...], words: Sequence[Word], at: int) -> int:
    """Number of words that the phrase covers here, 0 if it is another."""
    anchored = phrase[-1] == END_OF_LINE
    size = len(phrase) - anchored
    if at + size > len(words) or any(words[at + i].text != phrase[i] for i in range(1, size)):
        return 0
    return 0 if anchored and not words[at + size - 1].ends_line else size
