"""Cleaning leaves every character at its place, and takes what it says."""

from __future__ import annotations

import time
import unicodedata
from html.parser import HTMLParser
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.errors import PluginError
from workers.ehr.notes.cleaning import CleaningStep, Controls, DeidMarks, Html, UnicodeForm, Whitespace
from workers.ehr.notes.steps import STEPS, clean

PIECES = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<br/>",
        "<b",
        ">",
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "&amp;",
        "&#8364;",
        "&",
        "[**",
        "**]",
        "___",
    ]
)
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=20).map("".join)


class Seen(HTMLParser):
    """The text of a page as the parser of Python sees it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.hidden = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.hidden = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.hidden = False

    def handle_data(self, data: str) -> None:
        self.words += [] if self.hidden else data.split()


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_every_step_keeps_the_length_and_all_together_do(text: str) -> None:
    for step in STEPS.values():
        assert len(step()(text)) == len(text)
    assert len(clean(tuple(step() for step in STEPS.values()), text)) == len(text)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab <>&.\n", max_size=60))
def test_what_is_no_markup_is_left_alone(text: str) -> None:
    if "<a" not in text and "<b" not in text and "</" not in text:
        assert Html()(text) == text


def test_the_text_of_a_page_is_what_the_parser_of_python_sees_every_character_at_its_place() -> None:
    page = """<!DOCTYPE html><html><head><title>Visit</title><style>p { color: red }</style></head>
    <body class="a > b"><!-- Mr X <b> --><h1>Chief complaint</h1><p title='1 > 0'>BP 120&#47;80, T &gt; 38.5&deg;C,
    caf&eacute; &amp; tea</p><script>if (a < b) { document.write("<p>no</p>") }</script>
    <ul><li>one<li>two</ul><br/>end &lt;b&gt; &unknown; &nbsp;x<img src="a.png" alt="1>0"></body></html>"""
    seen = Seen()
    seen.feed(page)
    cleaned = Html()(page)
    # A reference inside a word leaves spaces in it, so that words are compared without any.
    assert "".join(cleaned.split()) == "".join(seen.words)
    assert cleaned.index("Chief") == page.index("Chief")
    assert cleaned[page.index("&gt;")] == ">"
    assert cleaned[page.index("<li>two")] == "\n"


@pytest.mark.parametrize(
    "text", ["Hb <7", "<3 days & > 2", "<NAME> seen by <DOCTOR>", "a < b", "R&D;", "&#xD800", "<>", "</>"]
)
def test_what_only_looks_like_markup_is_text(text: str) -> None:
    assert Html()(text) == text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("a<!-->b", "a     b"),
        ("a<!-- never closed", "a" + " " * 17),
        ("x<script>var a", "x" + " " * 13),
        ("&#0;&#xD800;&#1114112;", "�   �       �         "),
        ("a<BR>b</Div>", "a\n   b\n     "),
        ("&lt;b&gt;", "<   b>   "),
    ],
)
def test_broken_and_odd_markup(page: str, text: str) -> None:
    assert Html()(page) == text


def test_a_page_made_to_be_slow_is_not() -> None:
    units = ["<!-- -->", "<script></script>", '<p a="', "<p ", "<!--", "&a", '<p a="b" ', "<style>"]
    began = time.process_time()
    for unit in units:
        Html()(unit * (200_000 // len(unit)))
    assert time.process_time() - began < 5


def test_controls_become_spaces_and_line_ends_line_breaks() -> None:
    assert Controls()("a\x00b\tc\r\nd\x0ce\x85f\u2028g\ufeffh\u200bi") == "a b\tc \nd\ne\nf\ng h i"


def test_blanks_become_plain_spaces_and_line_breaks_stay() -> None:
    assert Whitespace()("a\tb\u00a0c\u2009d\r\ne\u3000f") == "a b c d \ne f"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30), st.sampled_from(["NFC", "NFKC"]))
def test_each_character_takes_its_normal_form_where_that_is_one_character(text: str, form: str) -> None:
    step = UnicodeForm(form=form)
    wanted = [unicodedata.normalize(form, char) for char in text]
    assert step(text) == "".join(new if len(new) == 1 else old for old, new in zip(text, wanted, strict=True))


def test_marks_of_deidentification_become_runs_of_the_fill() -> None:
    text = "On [**2101-3-4**] Dr. ___ saw a_b, ____ [** open\n"
    assert DeidMarks()(text) == "On " + " " * 14 + " Dr.     saw a_b,      [** open\n"
    assert DeidMarks(marks=("underscores",), fill="X")(text).startswith("On [**2101-3-4**] Dr. XXX saw a_b, XXXX")
    with pytest.raises(ValidationError):
        DeidMarks(fill="ab")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_nothing_of_a_mark_is_read_that_is_broken_over_lines(line_end: str) -> None:
    text = f"Dr. [**Last Name{line_end}(un) 123**] seen. [** open, [**fever{line_end}12**]"
    assert DeidMarks()(text) == f"Dr. {' ' * 12}{line_end}{' ' * 11} seen. [** open, {' ' * 8}{line_end}{' ' * 5}"


class Shout(CleaningStep):
    """A step as a package may have it, which does not keep the length."""

    name: ClassVar[str] = "shout"

    def __call__(self, text: str) -> str:
        return f"{text}!"


def test_a_step_that_moves_characters_ends_the_run_instead_of_moving_entities() -> None:
    with pytest.raises(PluginError, match="step 'shout' made a text longer or shorter"):
        clean((Html(), Shout()), "cough")
