"""A made history through a model of events."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from workers.contract import ModelCard
from workers.ehr.events.contract import EventFormat, Histories
from workers.ehr.events.formats.directory import CODES
from workers.models.made import ON_CPU

_DAY = 86_400_000_000


def score_made(kind: EventFormat, directory: Path, card: ModelCard) -> Mapping[str, Any]:
    """One person with the first codes of the vocabulary, a day apart."""
    names = pq.read_table(directory / CODES, columns=["code"])["code"].slice(0, 5).to_pylist()
    number = len(names)
    histories = Histories(
        offsets=np.array([0, number]),
        prediction_time=np.array([number * _DAY]),
        code_names=names,
        code=np.arange(number, dtype=np.int32),
        time=np.arange(number) * _DAY,
        value=np.full(number, np.nan, np.float32),
    )
    scorer = kind.load(directory, card, ON_CPU)
    encoded = kind.open_encoder(directory, card, 1).encode(histories)
    return {name: values[0] for name, values in scorer.score([encoded]).items()}
