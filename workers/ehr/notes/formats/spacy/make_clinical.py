"""A pipeline directory that finds clinical problems by a list of terms, for demonstration and as a pattern to copy.

spaCy's `entity_ruler` compares words without regard to case; the terms are `workers/ehr/language/data/problems.yaml`.
"""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from schemas.errors import MissingExtraError
from workers.ehr.notes.formats.spacy.load import load_pipeline

LABEL = "PROBLEM"

_TERMS = Path(__file__).parents[3] / "language" / "data" / "problems.yaml"


def make_clinical_pipeline_directory(target: Path, base: Path | None = None, label: str = LABEL) -> Path:
    """Write the pipeline under `target` and return it.

    Without `base` it is English rules alone: tokenizer, `sentencizer`, `entity_ruler`. `base` is the directory of an
    English pipeline with weights, whose components are kept: the terms are then found before its own `ner`, which
    leaves them as they are. Raises MissingExtraError without spaCy.
    """
    try:
        spacy = importlib.import_module("spacy")
    except ModuleNotFoundError:
        raise MissingExtraError("spacy", "ehr") from None
    if base is None:
        nlp: Any = spacy.blank("en")
        nlp.add_pipe("sentencizer")
    else:
        nlp = load_pipeline(base, tags=True)
    place = {"before": "ner"} if "ner" in nlp.pipe_names else {"last": True}
    ruler = nlp.add_pipe("entity_ruler", name="problems", config={"phrase_matcher_attr": "LOWER"}, **place)
    ruler.add_patterns([{"label": label, "pattern": term} for term in in_every_form(problem_terms())])
    nlp.meta["name"] = "clinical_problems"
    nlp.to_disk(target)
    return target


def problem_terms() -> list[str]:
    """All terms, each once, in the order of the file."""
    groups: Mapping[str, Sequence[str]] = yaml.safe_load(_TERMS.read_text(encoding="utf-8"))
    return list(dict.fromkeys(term for terms in groups.values() for term in terms))


def in_every_form(terms: Sequence[str]) -> list[str]:
    """Each term, its plural unless it ends in s, and all of them broken over a line at each of their blanks."""
    plain = [form for term in terms for form in ([term] if term.endswith("s") else [term, f"{term}s"])]
    broken = [f"{form[:at]}\n{form[at + 1 :]}" for form in plain for at, char in enumerate(form) if char == " "]
    return list(dict.fromkeys(plain + broken))
