"""What is said around a term: absent, possible, past, of a relative.

Method: ConText (Harkema, Dowling, Thornblade, Chapman, "ConText: an algorithm for determining negation, experiencer,
and temporal status from clinical reports", J Biomed Inform 42, 2009), after NegEx (Chapman et al. 2001). A trigger
flags the terms on its side up to the end of its scope: the end of the sentence, a stop of its flag, the next trigger
of its flag and side, a comma where it may not go over one, its own greatest distance in words, or `FARTHEST` words,
whichever comes first. The words of a term are no part of a trigger for that term.

Each flag is looked at by itself: what a phrase of one flag says hides nothing of another's, unless its rule says so.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from workers.ehr.language.marks import with_marks
from workers.ehr.language.phrases import PhraseBook
from workers.ehr.language.rules import FLAGS, Flag, TriggerGroup
from workers.ehr.language.segments import Span, joined_at, segment_of
from workers.ehr.language.words import Word, words_of

Flags = frozenset[Flag]

FARTHEST = 60
"""Words on either side of a term that are looked at: a note without a full stop must not cost its length squared."""

CARRIERS = "carrier"
"""The list of words over which a trigger carries to a stop, so that the stop is part of what the trigger says."""

_CONJUNCTIONS = frozenset({"and", "or", "nor", "vs", "versus", "&"})
_LONGEST_ITEM = 4
"""Words of an item of a list."""


class Trigger(NamedTuple):
    """A phrase that was found: the words `first` to `last` (exclusive), whether an end is part of it, its group."""

    first: int
    last: int
    closed: bool
    group: TriggerGroup


class ContextRules:
    """The context rules, made ready."""

    def __init__(self, groups: Sequence[TriggerGroup], lists: Mapping[str, frozenset[str]] | None = None) -> None:
        """Raises SpecError for a phrase that is not written as one."""
        lists = lists or {}
        self._carriers = lists.get(CARRIERS, frozenset())
        self._book: PhraseBook[TriggerGroup] = PhraseBook(lists)
        for group in groups:
            for phrase in group.phrases:
                self._book.add(phrase, group)

    def triggers(self, words: Sequence[Word]) -> list[Trigger]:
        """Every phrase that stands in the words, in order, also those inside a longer one."""
        return [Trigger(*found) for found in self._book.find(words)]

    def flags(
        self, text: str, spans: Sequence[Span], terms: Sequence[Span], implied: Sequence[Flag | None] = ()
    ) -> list[Flags]:
        """The flags of each term. `spans` are the text's stretches (`segments`), `terms` sorted character offsets.

        `implied` is the flag that the section of each term gives to what it says: it holds like a trigger before the
        stretch, but for `family`, which nothing in the section stops.
        """
        spans = joined_at(spans, terms)
        found: list[Flags] = []
        implications = list(implied) or [None] * len(terms)
        for span, group in groupby(zip(terms, implications, strict=True), key=lambda one: segment_of(spans, one[0][0])):
            words = with_marks(words_of(text, *span))
            said = _Stretch(words, self.triggers(words), self._carriers)
            found.extend(said.flags(term, flag) for term, flag in group)
        return found


class _Stretch:
    """The words of a stretch, with what was found in them."""

    def __init__(self, words: Sequence[Word], triggers: Sequence[Trigger], carriers: frozenset[str]) -> None:
        self._words = words
        # By flag, in order, the longest first of those that begin together.
        self._triggers = {
            flag: sorted(
                (trigger for trigger in triggers if flag in trigger.group.hides or trigger.group.flag in (flag, "all")),
                key=lambda trigger: (trigger.first, -trigger.last, not trigger.closed),
            )
            for flag in FLAGS
        }
        self._carriers = carriers

    def flags(self, term: Span, implied: Flag | None) -> Flags:
        first = bisect_right(self._words, term[0], key=lambda word: word.end)
        last = bisect_left(self._words, term[1], first, key=lambda word: word.start)
        said = {flag for flag in FLAGS if self._has(flag, first, last, flag == implied)}
        return frozenset(said | ({"family"} if implied == "family" else set()))

    def _has(self, flag: Flag, first: int, last: int, implied: bool) -> bool:
        left = _valid(flag, [one for one in self._from(flag, first - FARTHEST, first) if one.last <= first])
        right = _valid(flag, [one for one in self._from(flag, last, last + FARTHEST) if one.last <= last + FARTHEST])
        if self._reaches_back(flag, last, right):
            return True
        return self._reaches_on(flag, first, last, left, implied) and not self._is_taken_back(
            flag, first, last, left, right
        )

    def _from(self, flag: Flag, first: int, last: int) -> Sequence[Trigger]:
        triggers = self._triggers[flag]
        begin = bisect_left(triggers, first, key=lambda trigger: trigger.first)
        return triggers[begin : bisect_left(triggers, last, begin, key=lambda trigger: trigger.first)]

    def _reaches_on(self, flag: Flag, first: int, last: int, triggers: Sequence[Trigger], implied: bool) -> bool:
        """Whether the nearest trigger before the term that has a say reaches it; `implied` where none has one."""
        for trigger in sorted(triggers, key=lambda trigger: (-trigger.last, _flagging(trigger, "forward", flag))):
            group = trigger.group
            if _flagging(trigger, "forward", flag) == 0:
                between = self._words[trigger.last : first]
                return (group.scope is None or len(between) < group.scope) and self._goes_on(group, between, last)
            # The colon of a heading does not end what the heading implies.
            ends = _ends(group, flag) or (group.direction == "stop_forward" and not implied)
            if ends and not (group.unless_carried and self._is_carried(trigger, flag, triggers)):
                return False
        return implied

    def _reaches_back(self, flag: Flag, last: int, triggers: Sequence[Trigger]) -> bool:
        """Whether the nearest trigger after the term that has a say reaches it."""
        for trigger in sorted(triggers, key=lambda trigger: (trigger.first, _flagging(trigger, "backward", flag))):
            group = trigger.group
            if _flagging(trigger, "backward", flag) == 0:
                between = self._words[last : trigger.first]
                return (group.scope is None or len(between) < group.scope) and _goes_back(trigger, between)
            if _ends(group, flag):
                return False
        return False

    def _is_carried(self, stop: Trigger, flag: Flag, triggers: Sequence[Trigger]) -> bool:
        """Whether a trigger stands before the stop with nothing but carriers between: no evidence | to suggest."""
        return any(
            _flagging(trigger, "forward", flag) == 0
            and trigger.last <= stop.first
            and all(word.text in self._carriers for word in self._words[trigger.last : stop.first])
            for trigger in triggers
        )

    def _goes_on(self, group: TriggerGroup, between: Sequence[Word], last: int) -> bool:
        texts = [word.text for word in between]
        if _leaves_brackets(texts):
            return False
        if group.commas in (None, "over") or "," not in texts:
            return True
        if group.commas == "end":
            return False
        return not _CONJUNCTIONS.isdisjoint(texts[texts.index(",") :]) or self._list_goes_on(last)

    def _list_goes_on(self, at: int) -> bool:
        """Whether short items and commas lead from a term to a conjunction."""
        size = 0
        for word in self._words[at : at + FARTHEST]:
            if word.text in _CONJUNCTIONS:
                return True
            size = 0 if word.text == "," else size + 1
            if size > _LONGEST_ITEM:
                return False
        return False

    def _is_taken_back(
        self, flag: Flag, first: int, last: int, left: Sequence[Trigger], triggers: Sequence[Trigger]
    ) -> bool:
        """Whether what follows the term says that the trigger before it does not hold for it."""
        since = max((one.last for one in left if _flagging(one, "forward", flag) == 0), default=0)
        return any(
            trigger.group.direction == "cancel"
            and trigger.first - last < (trigger.group.scope or 1)
            and all(word.text != "," for word in self._words[last : trigger.first])
            and (not trigger.group.after_comma or self._begins_anew(since, first))
            for trigger in triggers
        )

    def _begins_anew(self, since: int, first: int) -> bool:
        """Whether a comma and at most a few words without a conjunction stand before the term."""
        for word in reversed(self._words[max(since, first - _LONGEST_ITEM) : first]):
            if word.text in (",", "and"):
                return True
            if word.text in _CONJUNCTIONS:
                return False
        return False


def _valid(flag: Flag, triggers: Iterable[Trigger]) -> list[Trigger]:
    """The triggers of a flag that have a say: none inside a longer one, none that runs into a pseudo trigger."""
    found: list[Trigger] = []
    reach, widest = -1, (-1, -1, False)
    for trigger in triggers:
        cancels = trigger.group.direction == "cancel"
        if trigger.last > reach or trigger[: 2 if cancels else 3] == widest[: 2 if cancels else 3]:
            found.append(trigger)
            if not cancels:
                reach, widest = max(reach, trigger.last), trigger[:3]
    hiding = [trigger for trigger in found if _is_pseudo(trigger.group, flag)]
    return [one for one in found if not any(_is_taken_by(one, more) for more in hiding if more is not one)]


def _is_taken_by(one: Trigger, pseudo: Trigger) -> bool:
    """Whether a trigger says nothing because a pseudo trigger has all its words, or those it ends with."""
    same = (one.first, one.last) == (pseudo.first, pseudo.last) and not one.closed and one.group.direction != "cancel"
    return same or one.first < pseudo.first < one.last <= pseudo.last


def _is_pseudo(group: TriggerGroup, flag: Flag) -> bool:
    return flag in group.hides or group.direction == "pseudo"


def _flagging(trigger: Trigger, side: str, flag: Flag) -> int:
    """0 for a trigger that flags the terms on that side, 1 for another: the order in which they are asked."""
    group = trigger.group
    return int(_is_pseudo(group, flag) or group.direction not in (side, "both"))


def _ends(group: TriggerGroup, flag: Flag) -> bool:
    return _is_pseudo(group, flag) or group.direction == "stop"


def _leaves_brackets(texts: Sequence[str]) -> bool:
    """Whether a bracket closes that opened before the words: what stands in it says nothing of what follows it."""
    depth = 0
    for text in texts:
        depth += (text == "(") - (text == ")")
        if depth < 0:
            return True
    return False


def _goes_back(trigger: Trigger, between: Sequence[Word]) -> bool:
    """A trigger after its terms goes over a comma in a list with a conjunction, or after words set off by commas.

    It goes over a colon that stands right before it, not over a label with words behind.
    """
    texts, group = [word.text for word in between], trigger.group
    if group.commas != "over" and ":" in texts[:-1]:
        return False
    if group.commas == "over" or "," not in texts:
        return True
    set_off = texts[-1] == "," and (trigger.closed or len(texts) > 1)
    return group.commas != "end" and (set_off or not _CONJUNCTIONS.isdisjoint(texts))
