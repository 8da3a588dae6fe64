"""A made sequence through a model of sequences."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import ModelCard
from workers.genomics.sequences.contract import SequenceFormat, SequenceScorer
from workers.genomics.sequences.outputs import ColumnScorer
from workers.genomics.sequences.steps import SPLICE_CONTEXT, parse_steps, settled
from workers.genomics.sequences.windows import VariantWindow
from workers.models.made import ON_CPU

_LETTERS = {"dna": b"ACGT", "protein": b"ACDEFGHIKLMNPQRSTVWY"}


def score_made(kind: SequenceFormat, directory: Path, card: ModelCard) -> Mapping[str, Any]:
    """The alphabet again and again, of the length that the directory asks for. Raises RecordError for a splice model,
    whose records are variants beside genes."""
    steps = parse_steps(list(card.prepare))
    under = settled(card, steps)
    scorer = kind.load(directory, under, ON_CPU)
    if SPLICE_CONTEXT in under.settings:
        raise RecordError(Status.OUT_OF_CONTRACT, "it takes variants beside genes of a reference")
    length = steps.window.length or 64
    letters = np.frombuffer(_LETTERS[under.settings["alphabet"]], np.uint8)
    window = VariantWindow("made", 0, np.resize(letters, length), length, length // 2)
    (encoded,) = kind.open_encoder(directory, under, 1).encode([window])
    by_column = ColumnScorer(cast(SequenceScorer, scorer), has_variants=False)
    return {name: values[0] for name, values in by_column.score([encoded.value]).items()}
