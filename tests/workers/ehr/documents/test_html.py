from __future__ import annotations

import html
import re

import pytest

from workers.ehr.documents.html import blank_html


@pytest.mark.parametrize(
    "text",
    [
        "glucose <3 days, > 5 & <NAME>",
        "a < b and c > d",
        "<notatag>x</notatag>",
        "x <",
        "&unknown; & &",
        "<b" + "x" * 5000 + ">",
        '<p class="' + "x" * 5000 + '">y',
        "plain\r\n\ttext",
    ],
)
def test_what_is_no_html_stays_as_it_is(text: str) -> None:
    assert blank_html(text) == text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a<b>b</b>c", "a   b    c"),
        ("a<br/>b", "a\n    b"),
        ("<P>x</P>", "\n  x\n   "),
        ('<a title="1 > 0">x</a>', " " * 17 + "x    "),
        ("a<!-- <p> b -->c", "a" + " " * 14 + "c"),
        ("a<!-->b-->c", "a     b-->c"),
        ("a<!-- never closed", "a" + " " * 17),
        ("<script>if (a<b) {}</script>x", " " * 28 + "x"),
        ("<STYLE>p{}</style>x", " " * 18 + "x"),
        ("<!DOCTYPE html>x", " " * 15 + "x"),
        ("&lt;b&gt;", "<   b>   "),
        ("&amp;lt;", "&    lt;"),
        ("&#65;&#x42;", "A    B     "),
        ("&#0;&#xD800;&#1114112;", "�   �       �         "),
        ("&eacute;", "é       "),
    ],
)
def test_each_character_that_a_reader_sees_stays_at_its_place(source: str, expected: str) -> None:
    found = blank_html(source)
    assert found == expected
    assert len(found) == len(source)


def test_words_are_those_of_an_independent_reading() -> None:
    page = "<html><body><h1>Befund &amp; Plan</h1><p>Fieber seit <i>3</i> Tagen&nbsp;&gt; 39</p></body></html>"
    seen = html.unescape(re.sub(r"<[^>]+>", " ", page))
    assert blank_html(page).split() == seen.split()


def test_a_page_of_unclosed_openings_takes_no_time() -> None:
    hostile = '<a "' * 50_000
    assert blank_html(hostile) == hostile
