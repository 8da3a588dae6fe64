"""Marked sentences as a gold for ConText, and how well the rules agree with it.

A line is a sentence (`\\n` is a line break, `\\t` a tab) with its terms in braces and their flags after a bar: n
negated, u uncertain, h historical, f family; `u?` where two clinicians would differ. `python -m
tests.support.context_gold`
prints precision and recall of every flag for each half; the half `kept` is for measuring only, no rule is changed for
a sentence of it.
"""

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from workers.ehr.language.context import ContextRules
from workers.ehr.language.rules import FLAGS, Flag, load_rules
from workers.ehr.language.sections import SectionRules, section_at
from workers.ehr.language.segments import Span, segments

CASES = Path(__file__).parents[1] / "cases" / "context"
_MARK = re.compile(r"\{([^{}|]+)\|([a-z?,]*)\}")
_LETTERS: dict[str, Flag] = {"n": "negated", "u": "uncertain", "h": "historical", "f": "family"}
_SENTENCIZER = re.compile(r"[.!?]+[\s\"')\]]*(?=\S)")


class Term(NamedTuple):
    """A term's place, the flags that it has, and those on which opinions differ."""

    span: Span
    flags: frozenset[Flag]
    open: frozenset[Flag]


class Sentence(NamedTuple):
    """A sentence without its marks, and its terms in order."""

    text: str
    terms: tuple[Term, ...]

    @property
    def kept(self) -> bool:
        """Whether it is of the half that no rule may be changed for."""
        return hashlib.sha256(self.text.encode()).digest()[0] % 2 == 1


def parse(line: str) -> Sentence:
    """A marked line as a sentence."""
    line = line.rstrip("\n").replace("\\n", "\n").replace("\\t", "\t")
    text, terms, at = "", [], 0
    for match in _MARK.finditer(line):
        text += line[at : match.start()]
        letters = [letter for letter in match[2].split(",") if letter]
        flags = frozenset(_LETTERS[letter] for letter in letters if len(letter) == 1)
        doubtful = frozenset(_LETTERS[letter[0]] for letter in letters if len(letter) == 2)
        terms.append(Term((len(text), len(text) + len(match[1])), flags, doubtful))
        text += match[1]
        at = match.end()
    return Sentence(text + line[at:], tuple(terms))


def gold(name: str) -> list[Sentence]:
    """The sentences of a file of the gold."""
    return [parse(line) for line in (CASES / name).read_text(encoding="utf-8").splitlines() if line]


def sentencizer_starts(text: str) -> list[int]:
    """Where spaCy's sentencizer would begin a sentence, about."""
    return [0, *(match.end() for match in _SENTENCIZER.finditer(text) if match[0][-1].isspace())]


class Rules:
    """Our rules as the product applies them: the flags of ConText and what the section implies."""

    def __init__(self) -> None:
        rules = load_rules()
        self._context, self._sections = ContextRules(rules.triggers, rules.lists), SectionRules(rules.sections)

    def flags(self, sentence: Sentence, starts: Sequence[int] | None = None) -> list[frozenset[Flag]]:
        """The flags of each term."""
        terms = [term.span for term in sentence.terms]
        sections = self._sections.find(sentence.text)
        implied = [section.implies if (section := section_at(sections, start)) else None for start, _ in terms]
        return self._context.flags(sentence.text, segments(sentence.text, starts), terms, implied)


class Agreement(NamedTuple):
    """Counts of one flag: found and right, found and wrong, not found."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Right among those found; 1 where none was found."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Right among those that there are; 1 where there are none."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def agreement(
    sentences: Iterable[Sentence], flags: Callable[[Sentence], Sequence[frozenset[Flag]]]
) -> dict[Flag, Agreement]:
    """How well found flags agree with the gold, by flag."""
    counts: Counter[tuple[Flag, bool, bool]] = Counter()
    for sentence in sentences:
        for term, found in zip(sentence.terms, flags(sentence), strict=True):
            counts.update((flag, flag in found, flag in term.flags) for flag in FLAGS if flag not in term.open)
    return {
        flag: Agreement(counts[flag, True, True], counts[flag, True, False], counts[flag, False, True])
        for flag in FLAGS
    }


def wrong(sentence: Sentence, found: Sequence[frozenset[Flag]]) -> list[str]:
    """The terms of a sentence whose flags are not the gold's, as text."""
    return [
        f"{sentence.text[slice(*term.span)]}: {sorted(flags)} for {sorted(term.flags)}"
        for term, flags in zip(sentence.terms, found, strict=True)
        if flags - term.open != term.flags
    ]


def _print(name: str, sentences: Sequence[Sentence], flags: Callable[[Sentence], Sequence[frozenset[Flag]]]) -> None:
    exact = sum(not wrong(sentence, flags(sentence)) for sentence in sentences)
    print(f"{name}: {exact} of {len(sentences)} sentences right in every term and flag")
    for flag, counts in agreement(sentences, flags).items():
        print(f"  {flag:10} precision {counts.precision:.3f} recall {counts.recall:.3f} {tuple(counts)}")


def main(arguments: Sequence[str]) -> None:
    """Print the agreement; with `--wrong`, the wrong ones of the half that rules may be changed for."""
    rules = Rules()
    halves = {
        "gold, worked on": [sentence for sentence in gold("gold.txt") if not sentence.kept],
        "gold, kept": [sentence for sentence in gold("gold.txt") if sentence.kept],
        **{f"{name} batch": gold(f"{name}.txt") for name in ("second", "third", "fourth")},
    }
    for name, sentences in halves.items():
        if "--wrong" not in arguments:
            _print(name, sentences, rules.flags)
            _print(f"{name}, sentencizer", sentences, lambda one: rules.flags(one, sentencizer_starts(one.text)))
    for sentence in halves["gold, worked on"] if "--wrong" in arguments else []:
        for way, starts in (("own", None), ("sentencizer", sentencizer_starts(sentence.text))):
            for line in wrong(sentence, rules.flags(sentence, starts)):
                print(f"{way}: {sentence.text!r}\n    {line}")


if __name__ == "__main__":
    main(sys.argv[1:])
