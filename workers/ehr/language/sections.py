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

_OPEN = re.compile(r"\#{1,6}|[*_]{1,3}|\[|=+|\d{1,2}[.)](?=[ \t])|[-•](?=[ \t])")
_CLOSE = re.compile(r"[*_]{1,3}|\]|\#+|=+")
_BOLD = re.compile(r"[*_]{2,3}")
_TITLE_ENDS = re.compile(r"[:*\]#=]")
_UNDERLINE = re.compile(r"\r?\n[ \t]*(?:-{3,}|={3,}|_{3,}|~{3,})[ \t]*(?:\r?\n|\Z)")
_INLINE = re.compile(
    rf"(?:(?<=[A-Za-z)\]][.;!?])|(?<=\d\d[.;!?]))[^\S\r\n]{{1,8}}(?P<title>[A-Z][A-Za-z &/'-]{{1,{_LONGEST}}}):(?!\d)"
)
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
        for line in _headed_lines(text):
            rule = self._by_title.get(_normal(line.title))
            if rule is not None and _opens(text, line):
                yield Section(rule.name, line.start, rule.implies)
            elif rule is None and _looks_like_one(text, line):
                yield Section(OTHER, line.start, None)

    def _inline(self, text: str) -> Iterator[Section]:
        for match in _INLINE.finditer(text):
            rule = self._by_title.get(_normal(match["title"]))
            if rule is not None and len(match["title"]) > 1:
                yield Section(rule.name, match.start("title"), rule.implies)


def section_at(sections: Sequence[Section], at: int) -> Section | None:
    """The section that has the character `at`."""
    place = bisect_right(sections, at, key=lambda section: section.start)
    return sections[place - 1] if place else None


class _Line(NamedTuple):
    """A line that begins with a letter: what could be its title, the marks around it, and what else it says."""

    start: int
    end: int
    opened: str
    title: str
    closed: str
    colon: bool
    rest: str


def _headed_lines(text: str) -> Iterator[_Line]:
    """Every line that could have a title; each character is looked at a bounded number of times."""
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = _headed(text, start, end)
        if line is not None:
            yield line
        start = end + 1


def _headed(text: str, start: int, end: int) -> _Line | None:
    body = text[start:end].strip(" \t\r")
    opening = _OPEN.match(body)
    opened = opening[0] if opening else ""
    body = body[len(opened) :].lstrip(" \t")
    if not body[:1].isalpha():
        return None
    ending = _TITLE_ENDS.search(body, 0, _LONGEST + 2)
    if ending is None and len(body) > _LONGEST + 2:
        return None
    title, after = (
        body[: ending.start() if ending else len(body)].rstrip(),
        body[ending.start() if ending else len(body) :],
    )
    closing = _CLOSE.match(after)
    after = after[closing.end() if closing else 0 :].lstrip(" \t")
    colon = after[:1] == ":" and not after[1:2].isdigit()
    after = after[colon:].lstrip(" \t")
    bold = _BOLD.match(after) if colon or not closing else None
    rest = after[bold.end() if bold else 0 :].lstrip(" \t")
    return _Line(start, end, opened, title, closing[0] if closing else bold[0] if bold else "", colon, rest)


def _opens(text: str, line: _Line) -> bool:
    """A known title: with a colon, or alone on a line that sets it off."""
    if line.colon:
        return True
    if line.rest:
        return False
    return len(line.title) > 2 and (line.title[0].isupper() or _is_marked(text, line))


def _looks_like_one(text: str, line: _Line) -> bool:
    """An unknown title: underlined, of Markdown, or in capitals before a colon."""
    if _NOT_A_TITLE.search(line.title) or (line.rest and not line.colon):
        return False
    shouted = line.colon and line.title.isupper() and len(line.title) > 2
    return shouted or (not line.rest and _is_marked(text, line))


def _is_marked(text: str, line: _Line) -> bool:
    around = (
        line.opened[:1] in ("#", "=")
        or (line.opened[:1] in ("*", "_") and bool(line.closed))
        or (line.opened == "[" and line.closed == "]")
    )
    return around or _UNDERLINE.match(text, line.end) is not None


def _normal(title: str) -> str:
    return " ".join(title.lower().replace("_", " ").strip(" \t.:-*#").split())
