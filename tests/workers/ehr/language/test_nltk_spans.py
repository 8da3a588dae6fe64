"""Words and sentences as NLTK has them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.tabdata import PunktDecoder
from nltk.tokenize import TreebankWordTokenizer, WordPunctTokenizer
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer, PunktTrainer

from schemas.errors import RecordError, SpecError
from workers.ehr.language.nltk_spans import PunktData, punkt, punkt_data, punkt_directory, word_spans

TEXTS = [
    "Pt. c/o chest pain, 8/10. Denies SOB; can't lie flat.",
    "She said \"no fever\" and  ''none''.\nBP 120/80 (sitting).",
    "Temp. 38.5°C at 10:30 a.m. Dr. Smith's plan: d/c IV fluids.",
    "",
    "   ",
]
TRAINING = "Dr. Smith saw Mr. Jones. Dr. Brown saw Mrs. White at 9 a.m. She was well. Dr. Green left. " * 20


@pytest.mark.parametrize("text", TEXTS)
def test_spans_are_those_of_nltk(text: str) -> None:
    assert word_spans("wordpunct", text, [(0, len(text))]) == list(WordPunctTokenizer().span_tokenize(text))
    assert word_spans("treebank", text, [(0, len(text))]) == list(TreebankWordTokenizer().span_tokenize(text))


def test_treebank_goes_sentence_by_sentence_with_offsets_of_the_text() -> None:
    text = "It can't be. We'll see."
    spans = word_spans("treebank", text, [(0, 12), (13, 23)])
    assert [text[start:end] for start, end in spans] == ["It", "ca", "n't", "be", ".", "We", "'ll", "see", "."]


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("ab. ,\"'`()$%\n-:"), max_size=40))
def test_treebank_gives_the_spans_of_nltk_or_says_that_there_are_none(text: str) -> None:
    try:
        expected = list(TreebankWordTokenizer().span_tokenize(text))
    except (ValueError, RuntimeError):
        with pytest.raises(RecordError, match="cannot align"):
            word_spans("treebank", text, [(0, len(text))])
    else:
        assert word_spans("treebank", text, [(0, len(text))]) == expected


@pytest.fixture(scope="module")
def nltk_data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PunktParameters]:
    """A data directory in NLTK's own layout (punkt_tab), trained here."""
    parameters = PunktTrainer(TRAINING).get_params()
    root = tmp_path_factory.mktemp("nltk")
    folder = root / "tokenizers" / "punkt_tab" / "english"
    folder.mkdir(parents=True)
    (folder / "abbrev_types.txt").write_text("\n".join(sorted(parameters.abbrev_types)) + "\n")
    (folder / "sent_starters.txt").write_text("\n".join(sorted(parameters.sent_starters)))
    (folder / "collocations.tab").write_text("\n".join("\t".join(pair) for pair in sorted(parameters.collocations)))
    rows = [f"{word}\t{flags}" for word, flags in sorted(parameters.ortho_context.items())]
    (folder / "ortho_context.tab").write_text("\n".join(rows))
    with (folder / "ortho_context.tab").open() as file:
        assert PunktDecoder().tab2intdict(file) == parameters.ortho_context
    return root, parameters


def test_punkt_reads_a_local_data_directory(nltk_data: tuple[Path, PunktParameters]) -> None:
    root, parameters = nltk_data
    split = punkt(punkt_data(punkt_directory(str(root), "english")))
    own = PunktSentenceTokenizer()
    own._params = parameters
    text = "Dr. Smith was here. She saw Mr. Jones.  He had a cough!\nNo fever."
    assert split(text) == list(own.span_tokenize(text))
    assert len(split(text)) == 4


def test_punkt_data_have_a_digest_over_all_files(nltk_data: tuple[Path, PunktParameters], tmp_path: Path) -> None:
    folder = punkt_directory(str(nltk_data[0]), "english")
    before = punkt_data(folder).digest
    copy = tmp_path / "tokenizers" / "punkt_tab" / "english"
    copy.mkdir(parents=True)
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert punkt_data(copy).digest == before
    (copy / "abbrev_types.txt").write_text("dr\n")
    assert punkt_data(copy).digest != before


def test_without_punkt_data_the_error_says_what_to_put_where(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="nltk_data: DIR"):
        punkt_directory(None, "english")
    with pytest.raises(SpecError, match=r"lacks abbrev_types\.txt"):
        punkt_directory(str(tmp_path), "english")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"word\tmany\n", b"word\n"])
def test_punkt_data_that_are_damaged_are_named(nltk_data: tuple[Path, PunktParameters], body: bytes) -> None:
    whole = punkt_data(punkt_directory(str(nltk_data[0]), "english"))
    with pytest.raises(SpecError, match=r"ortho_context\.tab is not as NLTK's punkt_tab has it"):
        punkt(PunktData({**whole.files, "ortho_context.tab": body}))
