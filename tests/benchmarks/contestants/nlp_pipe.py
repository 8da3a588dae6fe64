"""spaCy's own `nlp.pipe` over the notes of a Parquet file, with as many processes as are asked for.

Usage: nlp_pipe.py NOTES PIPELINE OUT PROCESSES BATCH

Components that no entity depends on are left out, as wardround leaves them out. Writes the entities to OUT and prints
the seconds before the first note was handed over, and from then to the last entity. Texts wait in memory.
"""

from __future__ import annotations

import json
import sys
import time

import pyarrow.parquet as pq
import spacy
import torch

UNUSED = ["tagger", "attribute_ruler", "lemmatizer", "senter"]


def main(notes: str, pipeline: str, out: str, processes: str, batch: str) -> None:
    """Run once."""
    torch.set_num_threads(1)
    began = time.perf_counter()
    nlp = spacy.load(pipeline, exclude=UNUSED)
    texts = pq.read_table(notes)["text"].to_pylist()
    nlp(texts[0])
    ready = time.perf_counter()
    entities = [
        [[entity.start_char, entity.end_char, entity.label_] for entity in doc.ents]
        for doc in nlp.pipe(texts, n_process=int(processes), batch_size=int(batch))
    ]
    done = time.perf_counter()
    with open(out, "w") as file:
        json.dump(entities, file)
    print(json.dumps({"start_s": ready - began, "seconds": done - ready}))


if __name__ == "__main__":
    main(*sys.argv[1:])
