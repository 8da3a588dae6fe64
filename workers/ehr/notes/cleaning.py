"""Cleaning steps for the text of a note. Each keeps its length: what goes leaves spaces.

So an offset in the cleaned text is an offset in the text as it was given, whatever steps came between; a span that a
model finds can be shown in the original note. Each is a frozen pydantic model of its settings, called with a text.
"""

import re
import unicodedata
from typing import ClassVar, Literal

from pydantic import Field

from schemas.frozen import Frozen
from workers.ehr.documents.html import blank_html

# 8203 is the zero width space, 65279 the byte order mark.
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), 8203, 65279), " ")
# Tab stays; vertical tab, form feed, next line and the separators of lines and paragraphs (Unicode 5.8) end a line.
_CONTROLS |= {0x09: "\t", 0x0A: "\n", 0x0B: "\n", 0x0C: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n"}
_BLANKS = re.compile(r"[^\S\n]")
_NOT_BREAK = re.compile(r"[^\r\n]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_MARKS = {
    # Bounded, so that a mark without an end is not searched to the end of the note again and again.
    "brackets": re.compile(r"\[\*\*(?:(?!\[\*\*)[^\]]){0,200}\*\*\]"),
    "underscores": re.compile(r"(?<!_)_{3,}(?!_)"),
}


class CleaningStep(Frozen):
    """Settings of one step; `step(text)` is as long as `text`."""

    name: ClassVar[str]

    def __call__(self, text: str) -> str:
        """The text after the step."""
        raise NotImplementedError(type(self).__name__)


class Html(CleaningStep):
    """Tags of HTML, comments, scripts and styles become spaces, a tag that ends a line a line break and spaces.

    A character reference becomes its character and spaces. What only looks like a tag stays: `<3`, `<NAME>`.
    """

    name: ClassVar[str] = "html"

    def __call__(self, text: str) -> str:
        """The text after the step."""
        return blank_html(text)


class Controls(CleaningStep):
    """Control characters, byte order marks and spaces of no width become spaces; what ends a line a line break."""

    name: ClassVar[str] = "controls"

    def __call__(self, text: str) -> str:
        """The text after the step."""
        return text.translate(_CONTROLS)


class Whitespace(CleaningStep):
    """Every blank, such as a tab or a no-break space, becomes a plain space; line breaks stay."""

    name: ClassVar[str] = "whitespace"

    def __call__(self, text: str) -> str:
        """The text after the step."""
        return _BLANKS.sub(" ", text)


class UnicodeForm(CleaningStep):
    """Each character in Unicode normal form `form`, where that is one character too.

    What would become several characters (a ligature) or join its neighbour (a combining accent) stays as it is.
    """

    name: ClassVar[str] = "unicode"

    form: Literal["NFC", "NFKC"] = Field(default="NFC", description="the Unicode normal form")

    def __call__(self, text: str) -> str:
        """The text after the step."""
        # ASCII is its own normal form, and most notes are little else.
        found = set(_NOT_ASCII.findall(text))
        changed = {ord(char): unicodedata.normalize(self.form, char) for char in found}
        return text.translate({code: new for code, new in changed.items() if len(new) == 1})


class DeidMarks(CleaningStep):
    """Marks that de-identification left become runs of `fill`.

    `brackets`: `[**2101-3-4**]` as in MIMIC-III, at most 200 characters, also broken over lines, whose breaks stay;
    `underscores`: three or more, as in MIMIC-IV.
    """

    name: ClassVar[str] = "deid_marks"

    marks: tuple[Literal["brackets", "underscores"], ...] = Field(
        default=("brackets", "underscores"),
        min_length=1,
        description="which marks: [**...**] as in MIMIC-III, or three underscores and more as in MIMIC-IV",
    )
    fill: str = Field(default=" ", min_length=1, max_length=1, description="the character that takes their place")

    def __call__(self, text: str) -> str:
        """The text after the step."""
        for mark in self.marks:
            text = _MARKS[mark].sub(lambda found: _NOT_BREAK.sub(self.fill, found[0]), text)
        return text
