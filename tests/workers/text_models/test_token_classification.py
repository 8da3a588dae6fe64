"""Entities are those of transformers' own pipeline, at any batch budget, and long notes are merged over windows."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

from tests.support.text_models import KINDS, ODD, notes, save_model, scored, scored_at
from workers.models.detect import describe
from workers.text_models import token_classification

LABELS = {0: "O", 1: "B-NAME", 2: "I-NAME", 3: "B-DATE", 4: "I-DATE"}
SIZE = {"num_labels": 5, "id2label": LABELS, "label2id": {name: number for number, name in LABELS.items()}}
SHORT = [*ODD, *notes(30, longest=15)]
LONG = [*notes(3), *notes(3, longest=400, seed=5)]


def reference(directory, **options):
    """transformers' pipeline, one note at a time."""
    model = AutoModelForTokenClassification.from_pretrained(directory)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    options = {"aggregation_strategy": "simple", **options}
    return pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu", **options)


def compare(found, wanted):
    assert len(found) == len(wanted)
    for entities, others in zip(found, wanted, strict=True):
        spans = [(entity["start"], entity["end"], entity["label"]) for entity in entities]
        assert spans == [(entity["start"], entity["end"], entity["entity_group"]) for entity in others]
        for entity, other in zip(entities, others, strict=True):
            assert entity["score"] == pytest.approx(float(other["score"]), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_entities_equal_those_of_the_pipeline_note_by_note(tmp_path, kind):
    directory = save_model(tmp_path, kind, "TokenClassification", **SIZE)
    assert describe(directory, "notes")[0] == "text-token-classification"
    reader = reference(directory)
    wanted = [reader(text) for text in SHORT]
    for columns in scored_at(token_classification, directory, SHORT):
        assert columns["n_windows"].tolist() == [1] * len(SHORT)
        compare(columns["entities"], wanted)
    found = [entity["label"] for entities in columns["entities"] for entity in entities]
    assert set(found) <= {"NAME", "DATE"}
    assert len(found) > 30


@pytest.mark.parametrize("kind", KINDS)
def test_overlapping_windows_can_be_merged_as_the_pipeline_does_with_stride(tmp_path, kind):
    directory = save_model(tmp_path, kind, "TokenClassification", **SIZE)
    reader = reference(directory, stride=16)
    columns = scored(token_classification, directory, LONG, [{"windows": {"stride": 16, "merge": "longest"}}])
    compare(columns["entities"], [reader(text) for text in LONG])
    assert columns["n_windows"].max() > 2


def test_overlapping_windows_are_merged_token_by_token_where_the_context_is_widest(tmp_path):
    directory = save_model(tmp_path, "bert", "TokenClassification", **SIZE)
    text = notes(1, longest=2, seed=8)[0] + " " + " ".join(notes(6, longest=30, seed=6))
    columns = scored(token_classification, directory, [text], [{"windows": {"window": 26, "stride": 10}}])
    labels = tagged_by_widest_context(directory, text, room=24, stride=10)
    offsets = AutoTokenizer.from_pretrained(directory)(text, return_offsets_mapping=True)["offset_mapping"][1:-1]
    covered = {}
    for entity in columns["entities"][0]:
        for start, end in offsets:
            if entity["start"] <= start and end <= entity["end"]:
                covered[start] = entity["label"]
    assert {start: label[2:] for (start, _), label in zip(offsets, labels, strict=True) if label != "O"} == covered
    assert columns["n_windows"][0] > 4
    assert len(set(covered.values())) == 2


def tagged_by_widest_context(directory, text, room, stride):
    """A plain reading of the rule: every token's label from each window, the one with the widest context wins."""
    model = AutoModelForTokenClassification.from_pretrained(directory).eval()
    ids = AutoTokenizer.from_pretrained(directory)(text)["input_ids"]
    first, *inside, last = ids
    best = {}
    for start in range(0, len(inside), room - stride):
        part = inside[start : start + room]
        with torch.inference_mode():
            logits = model(torch.tensor([[first, *part, last]])).logits[0, 1:-1]
        for i, number in enumerate(logits.argmax(1).tolist()):
            left = i if start else 10**6
            right = len(part) - 1 - i if start + len(part) < len(inside) else 10**6
            if min(left, right) > best.get(start + i, (-1, 0))[0]:
                best[start + i] = (min(left, right), number)
        if start + len(part) == len(inside):
            break
    return [LABELS[best[i][1]] for i in range(len(inside))]


def test_labels_without_prefix_are_joined_as_in_the_pipeline(tmp_path):
    labels = {0: "O", 1: "NAME", 2: "ID-NUMBER", 3: "B-ID", 4: "I-ID"}
    size = {"num_labels": 5, "id2label": labels, "label2id": {name: number for number, name in labels.items()}}
    directory = save_model(tmp_path, "bert", "TokenClassification", **size)
    reader = reference(directory)
    compare(scored(token_classification, directory, SHORT)["entities"], [reader(text) for text in SHORT])


def test_windows_overlap_by_a_quarter_unless_told_otherwise(tmp_path):
    directory = save_model(tmp_path, "bert", "TokenClassification", **SIZE)
    card = token_classification.FORMAT.describe(directory)
    assert card.prepare == ({"windows": {"window": 128, "stride": 31, "max_windows": None, "merge": "context"}},)
    assert [field.name for field in card.outputs] == ["entities", "n_tokens", "n_windows", "truncated"]
