"""Find the sections of a note by their headings.

A heading is a known title at the start of a line, before a colon or alone on its line, plain, numbered, in brackets,
in Markdown, or underlined. A known title in capitals with a colon also opens a section after a full stop in a line.
A line that looks like a heading but is not known opens the section `other`: what follows it is not of the section
before. A section's name is one of the rules' names, never text of the note.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from workers.ehr.language.rules import Flag, SectionRule

OTHER = "other"

_LONGEST = 60
"""Characters of a title."""

_LINE = re.compile(
    r"^[ \t]*(?P<open>\#{1,6}[ \t]*|[*_]{1,3}|\[|=+[ \t]*|\d{1,2}[.)][ \t]+|[-•][ \t]+)?"
    rf"(?P<title>[^\W\d_](?:[^\n\r:*\]#=]{{0,{_LONGEST}}}[^\s:*\]#=])?)"
    r"[ \t]*(?P<close>[*_]{1,3}|\]|\#+|=+)?[ \t]*(?P<colon>:(?!\d))?[ \t]*(?P<bold>[*_]{2,3})?"
    r"[ \t]*(?P<rest>[^\n\r]*)\r?$",
    re.MULTILINE,
)
_UNDERLINE = re.compile(r"\r?\n[ \t]*(?:-{3,}|={3,}|_{3,}|~{3,})[ \t]*(?:\r?\n|\Z)")
_INLINE = re.compile(rf"(?<=[.;!?])[ \t]+(?P<title>[A-Z][A-Z &/'-]{{1,{_LONGEST}}}[A-Z])[ \t]*:")
_NOT_A_TITLE = re.compile(r"[.;,?!\"]|\d{2}")


class Section(NamedTuple):
    """From the heading's first character to the next heading's. `implies` holds for all that it says."""

    name: str
    start: int
    implies: Flag | None


class SectionRules:
    """The section rules, made ready."""

    def __init__(self, rules: Sequence[SectionRule]) -> None:
        self._by_title: Mapping[str, SectionRule] = {_normal(title): rule for rule in rules for title in rule.titles}

    def find(self, text: str) -> list[Section]:
        """Sections in order; what stands before the first heading is of none."""
        found = {section.start: section for section in (*self._inline(text), *self._lines(text))}
        return [found[start] for start in sorted(found)]

    def _lines(self, text: str) -> Iterator[Section]:
        for match in _LINE.finditer(text):
            rule = self._by_title.get(_normal(match["title"]))
            if rule is not None and _opens(text, match):
                yield Section(rule.name, match.start(), rule.implies)
            elif rule is None and _looks_like_one(text, match):
                yield Section(OTHER, match.start(), None)

    def _inline(self, text: str) -> Iterator[Section]:
        for match in _INLINE.finditer(text):
            rule = self._by_title.get(_normal(match["title"]))
            if rule is not None:
                yield Section(rule.name, match.start("title"), rule.implies)


def section_at(sections: Sequence[Section], at: int) -> Section | None:
    """The section that has the character `at`."""
    place = bisect_right(sections, at, key=lambda section: section.start)
    return sections[place - 1] if place else None


def _opens(text: str, match: re.Match[str]) -> bool:
    """A known title: with a colon, or alone on a line that sets it off."""
    if match["colon"]:
        return True
    if match["rest"]:
        return False
    title = match["title"]
    return len(title) > 2 and (title[0].isupper() or _is_marked(text, match))


def _looks_like_one(text: str, match: re.Match[str]) -> bool:
    """An unknown title: underlined, of Markdown, or in capitals before a colon."""
    if _NOT_A_TITLE.search(match["title"]) or (match["rest"] and not match["colon"]):
        return False
    title = match["title"]
    shouted = bool(match["colon"]) and title.isupper() and len(title) > 2
    return shouted or (not match["rest"] and _is_marked(text, match))


def _is_marked(text: str, match: re.Match[str]) -> bool:
    opened, closed = (match["open"] or "").strip(), match["close"] or match["bold"] or ""
    around = (
        opened[:1] in ("#", "=") or (opened[:1] in ("*", "_") and bool(closed)) or (opened == "[" and closed == "]")
    )
    return around or _UNDERLINE.match(text, match.end()) is not None


def _normal(title: str) -> str:
    return " ".join(title.lower().replace("_", " ").strip(" \t.:-*#").split())
