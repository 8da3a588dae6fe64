"""Specs that are right, and what they name: small inputs and models of every collection, made once and copied."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl

from tests.chaos.archive import make_model
from tests.support.genotype_runs import weights_of, write_score
from tests.support.meds_data import events, write_dataset
from tests.support.plink_files import cohort, write_bed

SERIAL = {"pool": "serial", "shard_records": 4}


def _spec(source: dict[str, Any], model: str = "model", **more: Any) -> dict[str, Any]:
    models = {"models": {"m": {"uri": f"HERE/{model}"}}} if model else {}
    spec = {"job": "predict", "name": "small", "input": source, **models}
    return {**spec, "output": {"uri": "HERE/out"}, "compute": SERIAL, **more}


def _pictures(folder: Path) -> None:
    folder.mkdir(parents=True)
    chance = np.random.default_rng(3)
    for number in range(6):
        cv2.imwrite(str(folder / f"{number}.png"), chance.integers(0, 255, (20, 24), dtype=np.uint8))


def images(root: Path) -> dict[str, Any]:
    """Six PNG files and an ONNX network."""
    _pictures(root / "images")
    make_model(root / "model")
    return _spec({"collection": "images", "uri": "HERE/images"})


def table(root: Path) -> dict[str, Any]:
    """The same through a CSV table."""
    images(root)
    lines = [f"images/{number}.png,r{number},{'MF'[number % 2]},site" for number in range(6)]
    (root / "table.csv").write_text("uri,record_id,sex,hospital\n" + "\n".join(lines) + "\n")
    return _spec({"collection": "images", "uri": "HERE/table.csv", "carry": ["sex"]})


def native(root: Path) -> dict[str, Any]:
    """A network of ours over the PNG files."""
    import torch
    from safetensors.torch import save_file

    from workers.images.networks import smallcnn

    _pictures(root / "images")
    torch.manual_seed(5)
    network = smallcnn.build(smallcnn.Config(in_channels=1, num_outputs=2, channels=(4, 8), strides=(2, 2)))
    config = {
        "format": "wardround-model",
        "format_version": 1,
        "network": "smallcnn",
        "settings": {"in_channels": 1, "num_outputs": 2, "channels": [4, 8], "strides": [2, 2]},
        "head": {"activation": "softmax", "labels": ["normal", "pneumonia"]},
        "prepare": [{"channels": {"to": 1}}],
    }
    (root / "native").mkdir()
    (root / "native" / "config.json").write_text(json.dumps(config))
    save_file(network.state_dict(), root / "native" / "model.safetensors")
    return _spec({"collection": "images", "uri": "HERE/images"}, "native")


def notes(root: Path) -> dict[str, Any]:
    """Six notes in a CSV, and a network over words without weights: it is described, never loaded."""
    lines = [f'n{at},s{at % 3},2024-03-0{at + 1},"Patient {at} has pneumonia."' for at in range(6)]
    (root / "notes.csv").write_text("note_id,subject_id,time,text\n" + "\n".join(lines) + "\n")
    _word_model(root / "words")
    source = {"collection": "notes", "format": "csv", "uri": "HERE/notes.csv", "record_id": "note_id"}
    return _spec(source, "words")


def _word_model(folder: Path) -> None:
    folder.mkdir()
    settings = {"words": 5, "num_outputs": 2, "embedding": 4, "hidden": 4, "attention": 4}
    config = {
        "format": "wardround-note-model",
        "format_version": 1,
        "network": "word_rnn",
        "settings": settings,
        "head": {"activation": "softmax", "labels": ["stable", "readmitted"]},
        "words": {"max_tokens": 50},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocabulary.txt").write_text("patient\nhas\npneumonia\n")
    (folder / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")


def histories(root: Path) -> dict[str, Any]:
    """Events of twelve people in MEDS, and a recurrent network over their codes."""
    import polars as pl
    import pyarrow as pa

    from workers.ehr.events.formats.make_directory import make_event_model_directory

    rows = events(range(1, 13))
    write_dataset(root / "meds", [rows])
    codes = pl.DataFrame({"code": sorted(rows["code"].unique())}).to_arrow()
    make_event_model_directory(root / "rnn", "event_rnn", pa.table({"code": codes["code"].cast(pa.string())}))
    source = {"collection": "events", "uri": "HERE/meds", "task": {"at": "2022-01-01"}}
    return _spec(source, "rnn")


def genotypes(root: Path) -> dict[str, Any]:
    """PLINK files of sixty samples and a scoring file."""
    data = cohort(60, 120)
    write_bed(root, data)
    write_score(root / "scores" / "PGS1.txt", weights_of(data))
    return _spec({"collection": "genotypes", "format": "bed", "uri": "HERE/cohort.bed", "build": "GRCh38"}, "scores")


def molecules(root: Path) -> dict[str, Any]:
    """Four molecules, and properties of them."""
    (root / "molecules.csv").write_text("id,smiles\na,CCO\nb,c1ccccc1\nc,CC(=O)O\nd,N\n")
    (root / "properties").mkdir()
    config = {"format": "properties", "format_version": 1, "properties": ["tpsa"]}
    (root / "properties" / "config.json").write_text(json.dumps(config))
    source = {"collection": "molecules", "uri": "HERE/molecules.csv", "record_id": "id"}
    return _spec(source, "properties")


def sequences(root: Path) -> dict[str, Any]:
    """A VCF of two lines on a reference of one contig, and a small network."""
    from tests.support.variants import save_cnn, write_fasta

    write_fasta(root / "ref.fa", {"chr1": "ACGT" * 100})
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    (root / "in.vcf").write_text(head + "chr1\t101\t.\tA\tC\t.\t.\t.\nchr1\t202\t.\tC\tT\t.\t.\t.\n")
    save_cnn(root / "cnn")
    return _spec({"collection": "sequences", "uri": "HERE/in.vcf", "reference": "HERE/ref.fa"}, "cnn")


def fhir(root: Path) -> dict[str, Any]:
    """Resources of one patient."""
    (root / "bulk").mkdir()
    patient = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1970-01-01"}
    (root / "bulk" / "Patient.ndjson").write_text(json.dumps(patient) + "\n")
    return _spec({"format": "fhir", "uri": "HERE/bulk"}, "", job="convert")


def training(root: Path) -> dict[str, Any]:
    """Sixteen PNG files of eight people, and labels of all of them."""
    from tests.support.train_runs import make_pictures

    table = make_pictures(root / "pictures", 16)
    table.write_csv(root / "labels.csv")
    source = {
        "collection": "images",
        "uri": "HERE/pictures",
        "labels": {"uri": "HERE/labels.csv", "key": "image"},
        "outputs": {"sick": {}},
        "splits": {"column": "split"},
        "network": {"name": "smallcnn", "settings": {"channels": [4, 8], "strides": [1, 2]}},
        "fit": {"epochs": 1, "batch": 8},
    }
    return _spec(source, "", job="train", prepare=["to_uint8", {"rescale": {"factor": 1 / 255}}])


def evaluation(root: Path) -> dict[str, Any]:
    """A finished run of sixty rows of thirty people, and labels of all of them."""
    from tests.support.made_run import make_run

    chance = np.random.default_rng(7)
    sick = np.arange(60) % 3 == 0
    scores = 1 / (1 + np.exp(-(chance.normal(size=60) + sick - 1)))
    ids, people = [f"r{at:02d}" for at in range(60)], [f"p{at // 2:02d}" for at in range(60)]
    split = ["tuning" if at // 2 % 3 == 0 else "test" for at in range(60)]
    rows = {"record_id": ids, "subject_id": people, "score": scores.astype(np.float32), "sex": list("FM" * 30)}
    make_run(root / "scored", pl.DataFrame({**rows, "split": split}), ("score",))
    made = pl.DataFrame({"record_id": ids, "person": people, "sick": sick.astype(int), "age": np.arange(60) + 20})
    made.write_csv(root / "labels.csv")
    source = {
        "run": "HERE/scored",
        "labels": {"uri": "HERE/labels.csv"},
        "outcomes": {"sick": {"score": "score", "truth": "sick"}},
        "draws": 100,
    }
    return _spec(source, "", job="evaluate")


WORLDS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "images": images,
    "table": table,
    "native": native,
    "notes": notes,
    "events": histories,
    "genotypes": genotypes,
    "molecules": molecules,
    "sequences": sequences,
    "fhir": fhir,
    "train": training,
    "evaluate": evaluation,
}
"""By the name that an entry gives as `base`: writes the files into a folder and returns the spec."""
