"""What docs/splice-models.md shows is what is read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from schemas.spec import parse_spec
from tests.support.splicing import PlainGene, write_genes
from workers.genomics.sequences.networks import dilated_resnet
from workers.genomics.sequences.splicing.deltas import Sites, gene_entry
from workers.genomics.sequences.splicing.encoding import SpliceVariant
from workers.genomics.sequences.splicing.genes import Gene
from workers.genomics.sequences.steps import parse_steps, resolve
from workers.models.detect import describe

PAGE = (Path(__file__).parents[5] / "docs" / "splice-models.md").read_text(encoding="utf-8")


def test_the_example_with_weights_of_its_network_is_a_model_that_reads_ten_thousand_bases_of_context(
    tmp_path: Path,
) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    said = json.loads(example)
    config = dilated_resnet.Config(**said["settings"])
    assert 2 * config.reach == said["context"]
    (tmp_path / "config.json").write_text(example)
    write_genes(tmp_path / said["genes"], [PlainGene("A", "1", "+", 0, 10, ((0, 10),))])
    with torch.device("meta"):
        network = dilated_resnet.build(config)
    tensors = {name: torch.zeros(tensor.shape, dtype=tensor.dtype) for name, tensor in network.state_dict().items()}
    for name in said["weights"]:
        save_file(tensors, tmp_path / name)
    kind, card = describe(tmp_path, "sequences")
    assert kind == "splice-cnn"
    columns = re.findall(r"^\| `(ds_max|genes)` \| (?:the largest|an entry)", PAGE, re.MULTILINE)
    assert [output.name for output in card.outputs] == columns
    steps = parse_steps(list(resolve(card, None, has_variants=True)))
    assert steps.window.length == 10_101
    assert (steps.window.edges, steps.splice and steps.splice.distance) == ("refuse", 50)


def test_the_spec_is_one_and_its_step_replaces_that_of_the_directory(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    steps = parse_steps(list(parse_spec(text).prepare or ()))
    assert steps.splice is not None
    assert (steps.splice.distance, steps.splice.masked) == (500, False)


def test_the_fields_of_an_entry_are_those_that_the_page_lists() -> None:
    gene = Gene(0, "G", False, 1, 9, np.array([1], np.int64))
    zeros = np.zeros((3, 3), np.float32)
    entry = gene_entry(SpliceVariant(2, 1, 1, ()), gene, zeros, zeros, Sites(1, 2), False)
    (row,) = re.findall(r"^\| `genes` \| an entry a gene: (.*?) \|$", PAGE, re.MULTILINE)
    assert re.findall(r"`(\w+)`", row) == list(entry)
