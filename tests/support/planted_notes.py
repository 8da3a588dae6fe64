"""Notes with a planted sign, and trainings on them: who has the sign coughs, and the split follows from the number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

SPLITS = ("train", "train", "train", "tuning", "held_out")
GRADES = ("none", "mild", "severe")
_COMMON = (
    *("the", "patient", "was", "admitted", "with", "pneumonia", "and", "hypoxia", "no", "evidence", "of", "effusion"),
    *("treated", "discharged", "home"),
)
_SIGNS = ("stable", "fever", "cough fever")
"""What a note of each grade says."""
WORDS = frozenset([*_COMMON, *" ".join(_SIGNS).split()])
"""All that a note may say."""


def planted_notes(notes: int, seed: int = 0, longest: int = 20, shuffled: bool = False) -> pl.DataFrame:
    """A row a note, two of a person: `grade` as its words say, `sick` where there is one, `cough` of which every third
    is not known; `shuffled`: truths of other notes."""
    chance = np.random.default_rng(seed)
    rows = []
    for number in range(notes):
        grade = int(chance.integers(3))
        words = chance.choice(_COMMON, int(chance.integers(3, longest))).tolist()
        words.insert(int(chance.integers(len(words) + 1)), _SIGNS[grade])
        cough = None if number % 3 == 2 else int(grade == 2)
        person = number // 2
        rows.append(
            (f"n{number}", f"p{person}", " ".join(words), GRADES[grade], int(grade > 0), cough, SPLITS[person % 5])
        )
    table = pl.DataFrame(
        rows, ["note_id", "subject_id", "text", "grade", "sick", "cough", "split"], orient="row"
    ).with_columns(pl.col("cough").cast(pl.Int64))
    truths = ["grade", "sick", "cough"]
    return table.with_columns(pl.col(truths).shuffle(seed)) if shuffled else table


def train_spec(folder: Path, output: Path, keys: str = "", more: str = "") -> str:
    """The text of a spec over `folder/notes.parquet`; `keys` are lines of `input:`, `more` those of the spec itself."""
    given = {
        "carry": "[grade, sick, cough, split]",
        "outputs": "{sick: {}}",
        "splits": "{column: split}",
        "network": "{name: word_rnn, settings: {embedding: 8, hidden: 8, cell: gru, pooling: max}}",
        "fit": "{epochs: 8, batch: 16, learning_rate: 0.02}",
    }
    given |= dict(line.split(": ", 1) for line in keys.splitlines() if line.strip())
    lines = "".join(f"  {name}: {value}\n" for name, value in given.items() if value != "none")
    return (
        f"job: train\nname: small\ninput:\n  collection: notes\n  uri: {folder / 'notes.parquet'}\n{lines}"
        f"output: {{uri: {output}}}\ncompute: {{pool: serial, shard_records: 100}}\n{more}"
    )


def predict_spec(folder: Path, model: Path, output: Path) -> str:
    """The same notes scored with a model directory."""
    return (
        f"job: predict\nname: small\ninput: {{collection: notes, uri: {folder / 'notes.parquet'}, "
        f"carry: [grade, sick, cough, split]}}\nmodels: {{m: {{uri: {model}}}}}\noutput: {{uri: {output}}}\n"
        "compute: {pool: serial, shard_records: 64}\n"
    )


def evaluate_spec(folder: Path, output: str, how: str) -> str:
    """How `folder/scored` did on what `folder/out` held out."""
    score = "entities" if how == "task: entities" else f"score_{output}"
    return (
        f"job: evaluate\nname: e\ninput:\n  run: {folder / 'scored'}\n"
        f"  labels: {{uri: {folder / 'out' / 'labelled.parquet'}}}\n"
        f"  outcomes: {{{output}: {{score: {score}, truth: {output}, {how}}}}}\n  test: {{split: held_out}}\n"
        f"output: {{uri: {folder / 'evaluated'}}}\ncompute: {{pool: serial}}\n"
    )
