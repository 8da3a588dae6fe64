from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from workers.genomics.build import GenomeBuild

BUILD: TypeAdapter[str] = TypeAdapter(GenomeBuild)


@pytest.mark.parametrize(
    ("word", "ours"),
    [("hg38", "GRCh38"), ("hg19", "GRCh37"), ("grch38", "GRCh38"), ("GRCh37.p13", "GRCh37"), (38, "GRCh38")],
)
def test_another_name_of_a_build_is_answered_with_ours(word: object, ours: str) -> None:
    with pytest.raises(ValidationError, match=f"for {word!r} write {ours}"):
        BUILD.validate_python(word)


def test_a_build_is_itself_and_an_unknown_word_is_told_both() -> None:
    assert BUILD.validate_python("GRCh38") == "GRCh38"
    with pytest.raises(ValidationError, match="'GRCh37' or 'GRCh38'"):
        BUILD.validate_python("T2T")
