"""Find the triggers of the context rules in a run of words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from schemas.errors import SpecError
from workers.ehr.language.rules import TriggerGroup
from workers.ehr.language.words import END_OF_LINE, Word, words_of_phrase


class Trigger(NamedTuple):
    """A phrase that was found: the words `first` to `last` (exclusive), and every group that has it."""

    first: int
    last: int
    groups: tuple[TriggerGroup, ...]


class TriggerFinder:
    """All phrases of all groups; at each word those that begin with it are looked up, the longest first."""

    def __init__(self, groups: Iterable[TriggerGroup]) -> None:
        """Raises SpecError for a phrase without a word."""
        found: dict[tuple[str, ...], dict[int, TriggerGroup]] = defaultdict(dict)
        for number, group in enumerate(groups):
            for phrase in group.phrases:
                words = words_of_phrase(phrase)
                if not words or words[0] == END_OF_LINE or END_OF_LINE in words[:-1]:
                    raise SpecError(f"context rules: {phrase!r} is no phrase: words, and at most one <eol> at the end")
                found[words][number] = group
        self._groups = {words: tuple(named.values()) for words, named in found.items()}
        sizes: dict[str, set[int]] = defaultdict(set)
        for words in found:
            sizes[words[0]].add(len(words) - (words[-1] == END_OF_LINE))
        self._sizes = {word: sorted(counts, reverse=True) for word, counts in sizes.items()}

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
        for size in self._sizes.get(words[at].text, ()):
            run = words[at : at + size]
            phrase = tuple(word.text for word in run)
            groups = self._groups.get((*phrase, END_OF_LINE), ()) if run[-1].ends_line else ()
            groups = groups or self._groups.get(phrase, ())
            if groups and len(run) == size:
                return Trigger(at, at + size, groups)
        return None
