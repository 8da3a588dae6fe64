"""What is said around a term: absent, possible, past, of a relative.

Method: ConText (Harkema, Dowling, Thornblade, Chapman, "ConText: an algorithm for determining negation, experiencer,
and temporal status from clinical reports", J Biomed Inform 42, 2009), after NegEx (Chapman et al. 2001). A trigger
flags the terms on its side up to the end of its scope: the end of the sentence, a stop of its flag, the next trigger
of its flag and side, its own greatest distance in words, or `FARTHEST` words, whichever comes first. The words of a
term are no part of a trigger for that term.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from schemas.errors import SpecError
from workers.ehr.language.rules import FLAGS, Flag, TriggerGroup
from workers.ehr.language.segments import Span, segment_of
from workers.ehr.language.words import END_OF_LINE, Word, words_of, words_of_phrase


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


Flags = frozenset[Flag]

FARTHEST = 60
"""Words on either side of a term that are looked at: a note without a full stop must not cost its length squared."""


class ContextRules:
    """The context rules, made ready."""

    def __init__(self, groups: Sequence[TriggerGroup]) -> None:
        self._finder = TriggerFinder(groups)

    def flags(self, text: str, spans: Sequence[Span], terms: Sequence[Span]) -> list[Flags]:
        """The flags of each term. `spans` are the text's stretches (`segments`), `terms` sorted character offsets."""
        found: list[Flags] = []
        for span, group in groupby(terms, key=lambda term: segment_of(spans, term[0])):
            inside = list(group)
            words = words_of(text, *span)
            found.extend(self._flags_of(term, words) for term in inside)
        return found

    def _flags_of(self, term: Span, words: Sequence[Word]) -> Flags:
        """Triggers are looked for on either side of the term, so that none of its own words is part of one."""
        first = bisect_right(words, term[0], key=lambda word: word.end)
        last = bisect_left(words, term[1], first, key=lambda word: word.start)
        near = words[max(0, first - FARTHEST) : first]
        before = [(len(near) - trigger.last, trigger) for trigger in self._finder.find(near)]
        after = [(trigger.first, trigger) for trigger in self._finder.find(words[last : last + FARTHEST])]
        return frozenset(
            flag for flag in FLAGS if _reaches(flag, "forward", before[::-1]) or _reaches(flag, "backward", after)
        )


def _reaches(flag: Flag, side: str, triggers: Sequence[tuple[int, Trigger]]) -> bool:
    """Whether the nearest trigger that has a say reaches the term; `triggers` from the term outwards, with distance."""
    for distance, trigger in triggers:
        says = [group for group in trigger.groups if group.flag in (flag, "all")]
        flagging = [group for group in says if group.direction in (side, "both")]
        if flagging:
            return any(group.scope is None or distance < group.scope for group in flagging)
        if any(group.direction in ("pseudo", "stop") for group in says):
            return False
    return False
