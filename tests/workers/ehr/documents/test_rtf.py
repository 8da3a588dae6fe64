from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.ehr.documents.rtf import is_rtf, rtf_text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"{\rtf1\ansi No fever.\par}", "No fever.\n"),
        (
            r"{\rtf1{\fonttbl{\f0\fswiss Arial;}}{\*\generator X;}\f0\pard Seen {\b today}.\par Next}",
            "Seen today.\nNext",
        ),
        (r"{\rtf1\ansi 38\'b0C, \u8217?s \'93x\'94}", "38°C, ’s “x”"),
        (r"{\rtf1\ansi\ansicpg1251 \'c6}", "Ж"),
        (r"{\rtf1\ansi\ansicpg932 \'82\'a0}", "あ"),
        (r"{\rtf1 a\u-10179?\u-8704?b}", "a\U0001f600b"),
        (r"{\rtf1\uc2 \u233 ?xb}", "éb"),
        (r"{\rtf1 {\uc0 \u233 x}\u233 ?y}", "éxéy"),
        (r"{\rtf1 shown {\v hidden}{\v hidden\v0 again}}", "shown again"),
        (r"{\rtf1 a\~b\{c\}\\d\-e}", "a\xa0b{c}\\de"),
        (r"{\rtf1 {\header Name, 1950}body{\footer p. 1}}", "body"),
        (r"{\rtf1 {\field{\*\fldinst HYPERLINK x}{\fldrslt link}}}", "link"),
        (r"{\rtf1 one\tab two\cell three\row}", "one\ttwo\tthree\n"),
        ("{\\rtf1 line\nbreak\\\nhere}", "linebreak\nhere"),
        (r"{\rtf1 {\pict\bin3 }}}}after}", "after"),
        (r"{\rtf1 never closed", "never closed"),
        (r"{\rtf1 \'zz }}}} x\ ", "zz  x"),
    ],
)
def test_a_reader_of_the_page_sees_this(source: str, text: str) -> None:
    assert rtf_text(source).rstrip(" ") == text.rstrip(" ")


def test_rich_text_is_known_by_its_beginning() -> None:
    assert is_rtf("\r\n{\\rtf1 x}")
    assert not is_rtf("see {\\rtf1}")


@given(st.text(alphabet="{}\\'*abcu0159 \n-?", max_size=60))
def test_nothing_that_is_written_is_an_error_and_what_comes_out_is_text(source: str) -> None:
    rtf_text("{\\rtf1" + source).encode()


def test_depth_and_length_cost_time_in_proportion() -> None:
    began = time.process_time()
    rtf_text("{\\rtf1" + "{" * 200_000 + r"{\field{\*\fldinst{" * 20_000 + "\\u1" * 100_000)
    assert time.process_time() - began < 5
