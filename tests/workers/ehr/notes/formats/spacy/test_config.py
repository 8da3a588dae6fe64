"""A pipeline directory may ask for spaCy's own components and functions, and for nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from schemas.errors import SecurityError, SpecError
from tests.support.pipelines import edit_config, package_directory, rules_pipeline
from workers.ehr.notes.formats.spacy.config import FACTORIES, FUNCTIONS, read_config
from workers.ehr.notes.formats.spacy.load import load_pipeline
from workers.ehr.notes.formats.spacy.make_clinical import make_clinical_pipeline_directory
from workers.ehr.notes.formats.spacy.pipeline import FORMAT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return rules_pipeline(tmp_path / "pipeline", [{"label": "DRUG", "pattern": "aspirin"}])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('factory = "sentencizer"', 'factory = "my_package.component"', "made by 'my_package.component'"),
        ('factory = "sentencizer"', 'factory = "sentenciser"', "did you mean 'sentencizer'"),
        ('factory = "sentencizer"', 'source = "en_core_web_trf"', "component 'sentencizer' is made by None"),
        (
            'factory = "sentencizer"',
            'factory = "sentencizer"\nsource = "en_core_web_trf"',
            "taken from another pipeline",
        ),
        ("before_creation = null", 'before_creation = {"@callbacks": "spacy.copy_from_base_model.v1"}', "runs code"),
        ("after_pipeline_creation = null", 'after_pipeline_creation = {"@callbacks": "evil.v1"}', "runs code"),
        ('@tokenizers = "spacy.Tokenizer.v1"', '@tokenizers = "spacy.zh.ChineseTokenizer"', "ChineseTokenizer"),
        ('@scorers = "spacy.senter_scorer.v1"', '@readers = "srsly.read_json.v1"\npath = "/x"', "srsly.read_json"),
        ('lang = "en"', 'lang = "../../evil"', "nlp.lang"),
        ('lang = "en"', 'lang = "en.lex_attrs"', "nlp.lang"),
    ],
)
def test_what_is_not_of_spacy_itself_is_refused_before_anything_is_loaded(
    folder: Path, old: str, new: str, said: str
) -> None:
    edit_config(folder, old, new)
    with pytest.raises(SecurityError, match=said):
        FORMAT.describe(folder)
    with pytest.raises(SecurityError, match=said):
        load_pipeline(folder, tags=False)


def test_a_name_that_comes_in_through_a_variable_is_seen(folder: Path) -> None:
    edit_config(folder, 'factory = "sentencizer"', "factory = ${paths.train}")
    edit_config(folder, "[paths]\ntrain = null", '[paths]\ntrain = "evil_factory"')
    with pytest.raises(SecurityError, match="evil_factory"):
        FORMAT.describe(folder)


def test_python_files_in_the_directory_are_never_run(folder: Path) -> None:
    trap = "import sys; sys.modules['trap_was_run'] = sys"
    for name in ("__init__.py", "code.py", "sentencizer.py"):
        (folder / name).write_text(trap)
    load_pipeline(folder, tags=True)("aspirin")
    assert "trap_was_run" not in sys.modules


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", r"no section \[nlp\]"),
        ("not a config", "cannot be read"),
        ('[nlp]\nlang = "en"\npipeline = ["ner"]\n[components]\n', "must list components"),
    ],
)
def test_a_file_that_is_no_config_is_refused(folder: Path, body: str, said: str) -> None:
    (folder / "config.cfg").write_text(body)
    with pytest.raises(SpecError, match=said):
        read_config(folder)


def test_a_pipeline_whose_data_are_missing_cannot_be_loaded(folder: Path) -> None:
    (folder / "tokenizer").unlink()
    with pytest.raises(SpecError, match="spaCy cannot load this pipeline"):
        load_pipeline(folder, tags=False)


def test_packaged_and_self_made_pipelines_pass(tmp_path: Path) -> None:
    assert FORMAT.recognises(package_directory())
    assert not FORMAT.recognises(package_directory().parent)
    assert FORMAT.describe(package_directory()).settings["components"]["ner"] == "ner"
    assert FORMAT.describe(make_clinical_pipeline_directory(tmp_path / "own")).settings["components"] == {
        "sentencizer": "sentencizer",
        "problems": "entity_ruler",
    }


def test_every_name_on_the_lists_is_one_that_spacy_registers() -> None:
    import spacy
    from spacy.util import registry

    spacy.blank("en")
    assert set(registry.factories.get_all()) >= FACTORIES
    for key, names in FUNCTIONS.items():
        for name in names:
            assert callable(registry.get(key[1:], name)), name
