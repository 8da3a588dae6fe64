"""Keras files of the published layout become a model directory; with the package `spliceai`, its published scores."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from safetensors.numpy import load_file

from jobs.cli.main import main
from schemas.errors import SpecError
from tests.support.runs import rows, run
from tests.support.splicing import PlainGene, save_splice, write_genes
from tests.support.variants import write_fasta, write_vcf
from workers.genomics.sequences.formats.make_splice import make_splice_directory
from workers.genomics.sequences.splicing.info import texts

ORACLES = Path(__file__).parents[5] / ".venv-oracles"
TUBB8 = Path(__file__).parents[4] / "cases" / "splicing" / "tubb8.fa"
SETTINGS: dict[str, Any] = {
    "num_outputs": 3,
    "channels": 4,
    "kernels": [3, 3, 5, 5],
    "dilations": [1, 1, 2, 3],
    "skip_every": 4,
    "norm_eps": 0.001,
}
GENES = [PlainGene("A", "1", "+", 0, 10, ((0, 10),))]
KERAS = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def save_keras(path: Path, tensors: dict[str, np.ndarray], **changes: Any) -> Path:
    """The tensors of our network in the file that Keras writes: layers numbered as they were made."""
    settings = {**SETTINGS, **changes}
    made = ["stem", "skip"]
    for block in range(len(settings["kernels"])):
        made += [f"blocks.{block}.conv1", f"blocks.{block}.conv2"]
    made += ["skips.0", "head"]
    layers: list[dict[str, Any]] = []
    with h5py.File(path, "w") as file:
        weights = file.create_group("model_weights")
        for number, name in enumerate(made, start=1):
            block = int(name.split(".")[1]) if name.startswith("blocks") else None
            kernel = tensors[f"{name}.weight"].transpose(2, 1, 0)
            config = {
                "name": f"conv1d_{number}",
                "filters": kernel.shape[2],
                "kernel_size": [kernel.shape[0]],
                "dilation_rate": [1 if block is None else settings["dilations"][block]],
            }
            layers.append({"class_name": "Conv1D", "config": config})
            _write(weights, config["name"], {"kernel": kernel, "bias": tensors[f"{name}.bias"]})
        for number in range(2 * len(settings["kernels"])):
            name = f"blocks.{number // 2}.norm{number % 2 + 1}"
            config = {"name": f"batch_normalization_{number + 1}", "epsilon": settings["norm_eps"]}
            layers.append({"class_name": "BatchNormalization", "config": config})
            parts = {keras: tensors[f"{name}.{part}"] for part, keras in KERAS.items()}
            _write(weights, str(config["name"]), parts)
        # As Keras lists them: in the order of the graph, not of their numbers.
        file.attrs["model_config"] = json.dumps({"config": {"layers": layers[::-1]}})
    return path


def _write(weights: h5py.Group, layer: str, parts: dict[str, np.ndarray]) -> None:
    group = weights.create_group(layer)
    names = [f"{layer}/{part}:0" for part in parts]
    group.attrs["weight_names"] = [name.encode() for name in names]
    for name, value in zip(names, parts.values(), strict=True):
        group[name] = value


def test_keras_files_become_the_directory_of_the_same_networks(tmp_path: Path) -> None:
    ours = save_splice(tmp_path / "ours", GENES, networks=2, settings=SETTINGS)
    tensors = [load_file(ours / f"{number}.safetensors") for number in (1, 2)]
    files = [save_keras(tmp_path / f"net{number}.h5", each) for number, each in enumerate(tensors)]
    genes = write_genes(tmp_path / "genes.txt", GENES)
    made = make_splice_directory(files, genes, tmp_path / "made")
    said, expected = (json.loads((folder / "config.json").read_text()) for folder in (made, ours))
    assert {key: said[key] for key in expected} == expected
    for name in said["weights"]:
        found, wanted = load_file(made / name), load_file(ours / name)
        assert found.keys() == wanted.keys()
        for key in wanted:
            if not key.endswith("num_batches_tracked"):
                np.testing.assert_array_equal(found[key], wanted[key])


def test_networks_of_another_layout_or_of_different_sizes_are_refused(tmp_path: Path) -> None:
    tensors = load_file(save_splice(tmp_path / "a", GENES, 1, SETTINGS) / "1.safetensors")
    genes = write_genes(tmp_path / "genes.txt", GENES)
    good = save_keras(tmp_path / "good.h5", tensors)
    other = save_keras(tmp_path / "other.h5", tensors, norm_eps=0.01)
    with pytest.raises(SpecError, match=r"other\.h5: is a network of other sizes than good\.h5"):
        make_splice_directory([good, other], genes, tmp_path / "made")
    with h5py.File(good, "a") as file:
        said = json.loads(file.attrs["model_config"])
        said["config"]["layers"].pop()
        file.attrs["model_config"] = json.dumps(said)
    with pytest.raises(SpecError, match="not those of the published splice networks"):
        make_splice_directory([good], genes, tmp_path / "made")


def published() -> Path | None:
    """The package `spliceai` with its five networks, where it is installed or `make oracle-spliceai` put it."""
    spec = importlib.util.find_spec("spliceai")
    places = [Path(place) for place in (spec.submodule_search_locations if spec else None) or []]
    return next(iter([*places, *sorted(ORACLES.glob("lib/python*/site-packages/spliceai"))]), None)


@pytest.mark.skipif(published() is None, reason="no spliceai: `make oracle-spliceai` fetches it")
def test_the_published_scores_of_two_variants_come_out_to_the_digit(tmp_path: Path) -> None:
    """Those of the package's own tests, at a distance of 500. Beyond the transcript a model sees N, so that the bases
    of the one gene are all that is needed of GRCh37.
    """
    package = published()
    assert package is not None
    files = [package / f"models/spliceai{number}.h5" for number in range(1, 6)]
    make_splice_directory(files, package / "annotations/grch37.txt", tmp_path / "model")
    gene = "".join(TUBB8.read_text().splitlines()[1:])
    write_fasta(tmp_path / "ref.fa", {"chr10": "N" * 92_892 + gene + "N" * 10_000})
    write_vcf(tmp_path / "in.vcf", [("10", 94_077, "A", "C"), ("10", 94_555, "C", "T")])
    run(
        "job: predict\nname: s\n"
        f"input: {{collection: sequences, uri: {tmp_path}/in.vcf, reference: {tmp_path}/ref.fa}}\n"
        f"models: {{s: {{uri: {tmp_path}/model}}}}\nprepare: [{{splice: {{distance: 500}}}}]\n"
        f"output: {{uri: {tmp_path}/out}}\ncompute: {{pool: serial}}\n"
    )
    found = rows(tmp_path / "out").to_arrow()
    assert texts(found["genes"], found["alt"].cast("string")) == [
        "C|TUBB8|0.15|0.27|0.00|0.05|89|-23|-267|193",
        "T|TUBB8|0.01|0.18|0.15|0.62|-2|110|-190|0",
    ]
    assert main(["export", "vcf", str(tmp_path / "out"), "--to", str(tmp_path / "vcf")]) == 0
