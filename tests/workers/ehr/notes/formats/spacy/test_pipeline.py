"""spaCy pipelines on notes: the pipeline's own answers, whatever comes together."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spacy

from cluster.storage import open_store
from jobs.rundir import StageDirectory
from schemas.errors import RecordError, RefusedError, SpecError
from schemas.status import Status
from tests.support.open_stages import context_of
from tests.support.pipelines import TEXTS, package_directory, rules_pipeline
from tests.support.runs import rows, run
from workers.contract import Placement
from workers.ehr.notes.formats.spacy.analysis import Analyser, build
from workers.ehr.notes.formats.spacy.encoder import SpacyEncoder, batches
from workers.ehr.notes.formats.spacy.load import load_pipeline, switch_off_taggers
from workers.ehr.notes.formats.spacy.make_clinical import make_clinical_pipeline_directory, problem_terms
from workers.ehr.notes.formats.spacy.pipeline import FORMAT
from workers.ehr.notes.formats.spacy.step import LanguageStep
from workers.ehr.notes.stages import preparations, run_models
from workers.finished_runs.documents import read_run

Spans = list[tuple[int, int, str]]


@pytest.fixture(scope="module")
def reference() -> Any:
    """The whole pipeline, as spaCy loads it."""
    return spacy.load(package_directory())


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return Analyser(package_directory(), LanguageStep(text=True, sentences="spacy"))


@pytest.fixture(scope="module")
def clinical(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clinical_pipeline_directory(tmp_path_factory.mktemp("clinical") / "problems")


@pytest.fixture(scope="module")
def encoder(clinical: Path) -> Iterator[SpacyEncoder]:
    made = SpacyEncoder(clinical, LanguageStep(text=True), 1)
    yield made
    made.close()


def spans(values: Any) -> Spans:
    return [(entity["start"], entity["end"], entity["label"]) for entity in values["entities"]]


def known_words(analyser: Analyser) -> tuple[int, int]:
    """Lexemes and strings that the pipeline holds."""
    return sum(1 for _ in analyser._nlp.vocab), len(analyser._nlp.vocab.strings)


def of_doc(doc: Any) -> Spans:
    return [(entity.start_char, entity.end_char, entity.label_) for entity in doc.ents]


def test_entities_are_those_of_the_whole_pipeline_note_by_note(reference: Any, analyser: Analyser) -> None:
    found = analyser.analyse(TEXTS)
    assert [spans(values) for values in found] == [of_doc(reference(text)) for text in TEXTS]
    assert sum(len(values["entities"]) for values in found) > 20


def test_what_comes_together_changes_nothing(analyser: Analyser) -> None:
    together = analyser.analyse(TEXTS)
    assert [analyser.analyse([text])[0] for text in TEXTS] == together
    assert analyser.analyse(TEXTS[::-1] * 5)[: len(TEXTS)] == together[::-1]


def test_offsets_and_words_are_those_of_the_text_given(analyser: Analyser) -> None:
    for text, values in zip(TEXTS, analyser.analyse(TEXTS), strict=True):
        assert all(entity["text"] == text[entity["start"] : entity["end"]] for entity in values["entities"])


def test_sentences_are_those_of_the_pipeline(reference: Any, analyser: Analyser) -> None:
    for text, values in zip(TEXTS, analyser.analyse(TEXTS), strict=True):
        own = [{"start": sent.start_char, "end": sent.end_char} for sent in reference(text).sents]
        assert values["sentences"] == own
        assert values["n_sentences"] == len(own)


def test_tokens_have_the_pipelines_parts_of_speech(reference: Any) -> None:
    values = Analyser(package_directory(), LanguageStep(tokens="spacy")).analyse(TEXTS[:4])
    for text, found in zip(TEXTS[:4], values, strict=True):
        own = [(t.idx, t.idx + len(t), t.pos_, t.tag_) for t in reference(text) if not t.is_space]
        assert [(t["start"], t["end"], t["pos"], t["tag"]) for t in found["tokens"]] == own
        assert found["n_tokens"] == len(own)


def test_taggers_are_off_where_no_entity_depends_on_them_and_the_parser_never() -> None:
    assert load_pipeline(package_directory(), tags=False).pipe_names == ["tok2vec", "parser", "ner"]
    assert "tagger" in load_pipeline(package_directory(), tags=True).pipe_names


def test_taggers_stay_where_a_ruler_or_an_attribute_rule_needs_them() -> None:
    nlp = spacy.load(package_directory())
    for attribute in ("POS", "lemma", "TAG", "DEP"):
        ruler = nlp.add_pipe("entity_ruler", before="ner")
        ruler.add_patterns([{"label": "NAME", "pattern": [{"LOWER": "dr"}, {attribute: "PROPN"}]}])
        switch_off_taggers(nlp)
        assert "tagger" in nlp.pipe_names, attribute
        nlp.remove_pipe("entity_ruler")
    nlp.get_pipe("attribute_ruler").add([[{"TAG": "NNP"}]], {"NORM": "name"})
    switch_off_taggers(nlp)
    assert "tagger" in nlp.pipe_names


def test_the_pipelines_vocabulary_does_not_grow_with_the_archive(clinical: Path) -> None:
    analyser = Analyser(clinical, LanguageStep())
    analyser.analyse(["warm up"])
    before = known_words(analyser)
    for number in range(20):
        analyser.analyse([f"unseen{number}x{word} fever" for word in range(50)])
    assert known_words(analyser) == before


def test_a_note_longer_than_the_limit_is_too_large_and_its_neighbours_are_not(clinical: Path) -> None:
    analyser = Analyser(clinical, LanguageStep(max_chars=20))
    short, long, other = analyser.analyse(["fever", "x" * 21, "cough"])
    assert isinstance(long, RecordError)
    assert long.status == Status.TOO_LARGE
    assert "more than 20 characters" in long.detail
    assert [spans(short), spans(other)] == [[(0, 5, "PROBLEM")], [(0, 5, "PROBLEM")]]


def test_sections_and_what_is_said_stand_at_each_entity(encoder: SpacyEncoder) -> None:
    (note,) = encoder.encode(["Chief complaint: Cough, no fever\nFamily history: Asthma\nPlan: rule out pneumonia"])
    found = [(e["text"], e["section"], e["negated"], e["uncertain"], e["family"]) for e in note.value["entities"]]
    assert found == [
        ("Cough", "chief_complaint", False, False, False),
        ("fever", "chief_complaint", True, False, False),
        ("Asthma", "family_history", False, False, True),
        ("pneumonia", "plan", False, True, False),
    ]
    assert note.nbytes > 0


def test_an_encoder_gives_in_children_what_the_analyser_gives(encoder: SpacyEncoder, clinical: Path) -> None:
    texts = [*TEXTS, "Fever. " * 400] * 6
    expected = Analyser(clinical, LanguageStep(text=True)).analyse(texts)
    assert [note.value for note in encoder.encode(texts)] == expected
    assert encoder.helper_seconds > 0


def test_half_a_character_makes_its_own_note_unreadable_only(encoder: SpacyEncoder) -> None:
    good, bad, other = encoder.encode(["fever", "fever \ud800 and cough", "cough"])
    assert bad.fault is not None
    assert bad.fault.status == Status.UNREADABLE
    assert good.fault is other.fault is None


def test_a_child_that_dies_is_replaced_and_no_note_is_lost(encoder: SpacyEncoder) -> None:
    before = [note.value for note in encoder.encode(TEXTS)]
    for pid in encoder._pool.pids:
        os.kill(pid, signal.SIGKILL)
    assert [note.value for note in encoder.encode(TEXTS)] == before


def test_a_refused_note_comes_back_from_the_child_with_its_reason(clinical: Path) -> None:
    handle = build({"directory": str(clinical), "language": {"max_chars": 5}, "punkt": ""})
    bodies = [b"fever", b"fever and cough"]
    item = handle(memoryview(b"".join(bodies)), {"sizes": [len(body) for body in bodies]})
    assert [sorted(note) for note in item.meta["notes"]] == [["values"], ["detail", "status"]]
    assert item.meta["notes"][1]["status"] == "too_large"


def test_batches_are_bounded_in_notes_and_characters() -> None:
    texts = ["a" * 50_000, "b" * 50_000, *["c"] * 5, "d" * 100_000]
    assert [len(batch) for batch in batches(texts, 4)] == [1, 4, 2, 1]
    assert [text for batch in batches(texts, 4) for text in batch] == texts


@pytest.mark.parametrize("kind", ["treebank", "wordpunct"])
def test_tokens_of_nltk_have_no_parts_of_speech(clinical: Path, kind: Any) -> None:
    (values,) = Analyser(clinical, LanguageStep(tokens=kind)).analyse(["She can't cough."])
    assert isinstance(values, dict)
    assert len(values["tokens"]) == values["n_tokens"] == (5 if kind == "treebank" else 6)
    assert {token["pos"] for token in values["tokens"]} == {None}


def test_columns_follow_the_step_and_name_the_rules(clinical: Path) -> None:
    card = FORMAT.describe(clinical)
    assert [field.name for field in card.outputs] == ["entities"]
    assert card.settings["rules"][:16] in card.outputs[0].meaning
    wide = FORMAT.with_steps(card, [LanguageStep(text=True, tokens="spacy", sentences="spacy")])
    assert [field.name for field in wide.outputs] == ["entities", "tokens", "n_tokens", "sentences", "n_sentences"]
    assert "text: string" in wide.outputs[0].type
    assert FORMAT.load(clinical, wide, Placement("cpu")).outputs == wide.outputs


def test_steps_that_cannot_be_done_are_refused_when_the_spec_is_read(tmp_path: Path, clinical: Path) -> None:
    bare = FORMAT.describe(rules_pipeline(tmp_path / "bare", [], components=()))
    with pytest.raises(SpecError, match="no component of this pipeline finds sentences"):
        FORMAT.with_steps(bare, [LanguageStep(sentences="spacy")])
    with pytest.raises(SpecError, match="nltk_data"):
        FORMAT.with_steps(bare, [LanguageStep(sentences="punkt")])
    with pytest.raises(SpecError, match="may stand there once"):
        FORMAT.with_steps(bare, [LanguageStep(), LanguageStep()])


def test_without_sentences_of_the_pipeline_scopes_end_at_full_stops(tmp_path: Path) -> None:
    folder = rules_pipeline(tmp_path / "bare", [{"label": "P", "pattern": "cough"}], components=())
    (values,) = Analyser(folder, LanguageStep()).analyse(["No cough today. Some cough now."])
    assert isinstance(values, dict)
    assert [entity["negated"] for entity in values["entities"]] == [True, False]


def test_rules_in_the_model_directory_are_used(tmp_path: Path) -> None:
    folder = rules_pipeline(tmp_path / "own", [{"label": "P", "pattern": "toux"}])
    (folder / "context.yaml").write_text("- {flag: negated, direction: forward, phrases: [pas de]}\n")
    (values,) = Analyser(folder, LanguageStep()).analyse(["pas de toux"])
    assert isinstance(values, dict)
    assert values["entities"][0]["negated"]


def test_the_list_of_problems_has_a_few_hundred_terms_in_lower_case() -> None:
    terms = problem_terms()
    assert len(terms) >= 300
    assert all(term == term.lower().strip() for term in terms)


@pytest.mark.parametrize("text", ["Breast cancer", "breast cancers", "breast\ncancer", "breast \ncancer"])
def test_a_term_is_found_in_capitals_in_the_plural_and_over_a_line_break(clinical: Path, text: str) -> None:
    (values,) = Analyser(clinical, LanguageStep(text=True)).analyse([f"remote {text} who presents"])
    assert isinstance(values, dict)
    assert [entity["text"].split() for entity in values["entities"]] == [text.split()]


@pytest.mark.parametrize("kind", ["treebank", pytest.param("wordpunct", marks=pytest.mark.long)])
def test_a_run_writes_the_tokens_of_nltk(tmp_path: Path, clinical: Path, kind: str) -> None:
    pq.write_table(pa.table({"note_id": ["a"], "text": ["She can't cough."]}), tmp_path / "n.parquet")
    run(
        f"{{job: predict, name: language, input: {{collection: notes, uri: {tmp_path / 'n.parquet'}}}, "
        f"models: {{problems: {{uri: {clinical}}}}}, prepare: [{{language: {{tokens: {kind}}}}}], "
        f"output: {{uri: {tmp_path / 'out'}}}, compute: {{pool: serial}}}}"
    )
    assert rows(tmp_path / "out")["n_tokens"].to_list() == [5 if kind == "treebank" else 6]


@pytest.mark.parametrize("shard_records", [4, 100])
def test_a_run_writes_the_entities_of_each_note_whatever_the_shards(
    tmp_path: Path, clinical: Path, shard_records: int
) -> None:
    texts = [f"{text} fever" for text in TEXTS]
    pq.write_table(
        pa.table({"note_id": [f"n{i:02d}" for i in range(len(texts))], "text": texts}), tmp_path / "n.parquet"
    )
    run(
        f"{{job: predict, name: language, input: {{collection: notes, uri: {tmp_path / 'n.parquet'}}}, "
        f"models: {{problems: {{uri: {clinical}}}}}, prepare: [{{language: {{tokens: spacy}}}}], "
        f"output: {{uri: {tmp_path / 'out'}}}, compute: {{pool: serial, shard_records: {shard_records}}}}}"
    )
    reference = spacy.load(clinical)
    found = rows(tmp_path / "out")
    assert found["status"].unique().to_list() == ["ok"]
    assert [[(e["start"], e["end"], e["label"]) for e in note] for note in found["entities"].to_list()] == [
        of_doc(reference(text)) for text in texts
    ]


def punkt_of(root: Path, abbreviations: str) -> Path:
    """NLTK's data in the layout of punkt_tab, with these abbreviations alone."""
    folder = root / "tokenizers" / "punkt_tab" / "english"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("collocations.tab", "ortho_context.tab", "sent_starters.txt"):
        (folder / name).write_text("")
    (folder / "abbrev_types.txt").write_text(abbreviations)
    return root


def test_data_of_punkt_that_are_exchanged_after_they_were_hashed_split_no_text(tmp_path: Path, clinical: Path) -> None:
    data = punkt_of(tmp_path / "nltk", "dr\n")
    step = LanguageStep(sentences="punkt", nltk_data=str(data))
    digest = FORMAT.with_steps(FORMAT.describe(clinical), [step]).settings["punkt"]
    (values,) = Analyser(clinical, step, digest).analyse(["Dr. Smith had a fever. No cough."])
    assert isinstance(values, dict)
    assert values["n_sentences"] == 2
    punkt_of(data, "fever\n")
    with pytest.raises(RefusedError, match=r"nltk_data: the files in .* are not those that the run names"):
        Analyser(clinical, step, digest)


def test_a_node_with_other_data_of_punkt_than_the_run_is_refused(tmp_path: Path, clinical: Path) -> None:
    data, out = punkt_of(tmp_path / "nltk", "dr\n"), tmp_path / "out"
    pq.write_table(pa.table({"note_id": ["a"], "text": ["Dr. Smith had a fever."]}), tmp_path / "n.parquet")
    run(
        f"{{job: predict, name: language, input: {{collection: notes, uri: {tmp_path / 'n.parquet'}}}, "
        f"models: {{problems: {{uri: {clinical}}}}}, output: {{uri: {out}}}, compute: {{pool: serial}}, "
        f"prepare: [{{language: {{sentences: punkt, nltk_data: {data}}}}}]}}"
    )
    store = open_store(str(out))
    found = read_run(store, "")
    assert found is not None
    context = context_of(StageDirectory(store, "", found))
    (preparation,) = preparations(context, run_models(context))
    preparation.open().close()
    punkt_of(data, "fever\n")
    (preparation,) = preparations(context, run_models(context))
    with pytest.raises(RefusedError, match="not those that the run was planned with"):
        preparation.open()
