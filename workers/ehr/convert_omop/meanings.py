"""What a status, a qualifier or a modifier means for the code beside it: that it holds, is suspected, was ruled out."""

import re
from collections.abc import Mapping
from functools import lru_cache

import polars as pl

from workers.ehr.convert_omop.columns import Columns
from workers.ehr.convert_omop.rules import Meaning
from workers.ehr.convert_omop.values import whole

UNKNOWN = "no rule knows what it means: it is the qualifier as it is"


class Meanings:
    """The first meaning in the order of the rules whose words are said counts: `not ruled out` is a suspicion."""

    def __init__(self, rules: Mapping[str, Meaning]) -> None:
        self._of_id = {number: name for name, rule in rules.items() for number in rule.concepts}
        self._called = {number: said for rule in rules.values() for number, said in rule.concepts.items()}
        self._words = [(name, frozenset(rule.words), _pattern(rule.phrases)) for name, rule in rules.items()]
        self._kept = lru_cache(maxsize=10_000)(self._of_word)

    def of(self, columns: Columns, name: str) -> pl.Series:
        """The meaning of each value of a column; `UNKNOWN` for a word that no rule has, null where nothing is said."""
        if not name.endswith("_concept_id"):
            return self._by_word(columns.words(name))
        ids = whole(columns.typed(name))
        by_id = ids.replace_strict(self._of_id, default=None, return_dtype=pl.String)
        return by_id.fill_null(self._by_word(columns.looked(name).said)).fill_null(self._lacking(columns, name))

    def called(self, columns: Columns, name: str) -> pl.Series:
        """What each value of a column is called: the name of its concept, or the word of the source."""
        if not name.endswith("_concept_id"):
            return columns.words(name)
        looked = columns.looked(name)
        known = whole(columns.typed(name)).replace_strict(self._called, default=None, return_dtype=pl.String)
        return known.fill_null(looked.said).fill_null(looked.name)

    def _lacking(self, columns: Columns, name: str) -> pl.Series:
        return columns.nulls(pl.String).zip_with(~columns.there(name), pl.Series([UNKNOWN] * columns.height))

    def _by_word(self, words: pl.Series) -> pl.Series:
        found = {word: self._kept(word) for word in words.drop_nulls().unique().to_list()}
        if not found:
            return words.cast(pl.String)
        return words.replace_strict(found, default=None, return_dtype=pl.String)

    def _of_word(self, word: str) -> str:
        plain = re.sub(r"[\s_\-]+", " ", word.strip().lower())
        for name, words, pattern in self._words:
            if plain in words or (pattern is not None and pattern.search(plain)):
                return name
        return UNKNOWN


def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """Any of these, not inside other words."""
    if not phrases:
        return None
    return re.compile(r"(?<![a-z0-9])(?:" + "|".join(map(re.escape, phrases)) + r")(?![a-z0-9])")
