"""Small splice models with genes, and the published procedure in plain numpy, a variant and a gene at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from safetensors.torch import save_file

from workers.genomics.sequences.networks import dilated_resnet

Float = NDArray[np.float64]

LABELS = ("neither", "acceptor", "donor")
SMALL: dict[str, Any] = {
    "num_outputs": 3,
    "channels": 8,
    "kernels": [5, 5, 7, 7],
    "dilations": [1, 2, 2, 3],
    "skip_every": 2,
    "norm_eps": 0.001,
}
"""Settings of a network that looks at 84 bases around a position."""
GENES_HEADER = "#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END\n"


@dataclass(frozen=True)
class PlainGene:
    """A gene as the table has it: starts count from 0, ends are behind."""

    name: str
    chrom: str
    strand: str
    start: int
    end: int
    exons: tuple[tuple[int, int], ...]

    @property
    def line(self) -> str:
        starts, ends = ("".join(f"{exon[side]}," for exon in self.exons) for side in (0, 1))
        return "\t".join([self.name, self.chrom, self.strand, str(self.start), str(self.end), starts, ends]) + "\n"


def write_genes(path: Path, genes: Sequence[PlainGene]) -> Path:
    path.write_text(GENES_HEADER + "".join(gene.line for gene in genes))
    return path


def save_splice(
    directory: Path, genes: Sequence[PlainGene], networks: int = 5, settings: dict[str, Any] = SMALL, **more: Any
) -> Path:
    """Networks with random weights that differ, batch norms that do something, and probabilities far from even."""
    directory.mkdir(parents=True, exist_ok=True)
    config = dilated_resnet.Config.model_validate(settings)
    names = [f"{number}.safetensors" for number in range(1, networks + 1)]
    with torch.random.fork_rng(devices=[]):
        for number, name in enumerate(names):
            torch.manual_seed(number)
            network = dilated_resnet.build(config)
            for module in network.modules():
                if isinstance(module, torch.nn.BatchNorm1d):
                    torch.nn.init.normal_(module.running_mean, std=0.3)
                    torch.nn.init.uniform_(module.running_var, 0.2, 2.0)
                    torch.nn.init.uniform_(module.weight, 0.5, 1.5)
                    torch.nn.init.normal_(module.bias, std=0.3)
            network.head.weight.data *= 4
            save_file(network.state_dict(), directory / name)
    write_genes(directory / "genes.txt", genes)
    said = {
        "format": "splice-cnn",
        "format_version": 1,
        "network": "dilated_resnet",
        "settings": settings,
        "weights": names,
        "context": 2 * config.reach,
        "head": {"activation": "softmax", "labels": list(LABELS)},
        "genes": "genes.txt",
        **more,
    }
    (directory / "config.json").write_text(json.dumps(said))
    return directory


class PlainSplice:
    """The model of a directory in float64, each window by itself, every convolution over all of it."""

    def __init__(self, directory: Path, distance: int, masked: bool = False) -> None:
        said = json.loads((directory / "config.json").read_text())
        self._settings = said["settings"]
        self._networks = [
            {name: tensor.astype(np.float64) for name, tensor in load_file(directory / file).items()}
            for file in said["weights"]
        ]
        self._context = said["context"]
        self._distance = distance
        self._masked = masked

    def entries(self, bases: str, pos: int, ref: str, alt: str, genes: Sequence[PlainGene]) -> list[dict[str, Any]]:
        """An entry a gene that the variant lies in; `pos` counts from 1."""
        return [self._entry(bases, pos, ref, alt, gene) for gene in genes if gene.start < pos <= gene.end]

    def _entry(self, bases: str, pos: int, ref: str, alt: str, gene: PlainGene) -> dict[str, Any]:
        distance = self._distance
        first = pos - 1 - distance - self._context // 2
        places = range(first, first + self._context + 2 * distance + 1)
        seen = "".join(bases[place] if gene.start <= place < gene.end else "N" for place in places)
        middle = len(seen) // 2
        edited = seen[:middle] + alt + seen[middle + len(ref) :]
        of_ref, of_alt = self._probabilities(seen, gene.strand), self._probabilities(edited, gene.strand)
        if len(ref) > 1:
            cut = distance + 1
            of_alt = np.concatenate([of_alt[:cut], np.zeros((len(ref) - 1, 3)), of_alt[cut:]])
        elif len(alt) > 1:
            put = of_alt[distance : distance + len(alt)]
            of_alt = np.concatenate([of_alt[:distance], put.max(axis=0)[None], of_alt[distance + len(alt) :]])
        edges = sorted({start + 1 for start, _ in gene.exons} | {end for _, end in gene.exons})
        nearest = min((edge - pos for edge in edges), key=abs)
        entry: dict[str, Any] = {"symbol": gene.name}
        for kind, column, sign in (("ag", 1, 1), ("al", 1, -1), ("dg", 2, 1), ("dl", 2, -1)):
            change = sign * (of_alt[:, column] - of_ref[:, column])
            at = int(np.argmax(change))
            is_edge = at - distance == nearest
            is_hidden = self._masked and (is_edge if sign > 0 else not is_edge)
            entry[f"ds_{kind}"] = 0.0 if is_hidden else float(change[at])
            entry[f"dp_{kind}"] = at - distance
        return entry

    def _probabilities(self, seen: str, strand: str) -> Float:
        """(positions, 3), left to right on the reference. Rounded, so that what no edit reaches is equal."""
        one_hot = np.array([[base == letter for base in seen] for letter in "ACGT"], np.float64)
        if strand == "-":
            one_hot = one_hot[::-1, ::-1]
        found = np.mean([self._one(tensors, one_hot) for tensors in self._networks], axis=0).round(12)
        return found[::-1] if strand == "-" else found

    def _one(self, tensors: dict[str, Any], x: Float) -> Float:
        settings = self._settings
        x = _convolved(tensors, "stem", x, 1)
        total = _convolved(tensors, "skip", x, 1)
        for block, dilation in enumerate(settings["dilations"]):
            hidden = x
            for half in ("1", "2"):
                normed = self._normed(tensors, f"blocks.{block}.norm{half}", hidden)
                hidden = _convolved(tensors, f"blocks.{block}.conv{half}", np.maximum(normed, 0), dilation)
            x = x + hidden
            if (block + 1) % settings["skip_every"] == 0:
                total = total + _convolved(tensors, f"skips.{block // settings['skip_every']}", x, 1)
        logits = _convolved(tensors, "head", total, 1)[:, self._context // 2 : x.shape[1] - self._context // 2]
        powers = np.exp(logits - logits.max(axis=0))
        return (powers / powers.sum(axis=0)).T

    def _normed(self, tensors: dict[str, Any], name: str, x: Float) -> Float:
        mean, variance, weight, bias = (
            tensors[f"{name}.{part}"][:, None] for part in ("running_mean", "running_var", "weight", "bias")
        )
        normed: Float = (x - mean) / np.sqrt(variance + self._settings["norm_eps"]) * weight + bias
        return normed


def _convolved(tensors: dict[str, Any], name: str, x: Float, dilation: int) -> Float:
    """The same length, zeros beyond both ends."""
    weight = tensors[f"{name}.weight"]
    width, length = weight.shape[2], x.shape[1]
    padded = np.pad(x, ((0, 0), ((width - 1) * dilation // 2,) * 2))
    out = np.repeat(tensors[f"{name}.bias"][:, None], length, axis=1)
    for tap in range(width):
        out += weight[:, :, tap] @ padded[:, tap * dilation : tap * dilation + length]
    return out


def splice_variants(bases: str, genes: Sequence[PlainGene], count: int, longest: int, seed: int) -> list[Any]:
    """(chrom, pos, ref, alt): a third each of substitutions, insertions and deletions, within the genes by turns."""
    chance = np.random.default_rng(seed)
    found = []
    for number in range(count):
        gene = genes[number % len(genes)]
        pos = int(chance.integers(gene.start + 1, gene.end + 1))
        size = int(chance.integers(2, longest + 1))
        ref, alt = bases[pos - 1], "".join(chance.choice(list("ACGT"), size))
        match number % 3:
            case 0:
                alt = "ACGT".replace(ref, "")[int(chance.integers(3))]
            case 1:
                alt = ref + alt[1:]
            case _:
                ref, alt = bases[pos - 1 : pos - 1 + size], bases[pos - 1]
        if len(ref) > 1 and len(alt) > 1:
            alt = alt[0]
        found.append((gene.chrom, pos, ref, alt))
    return sorted(found, key=lambda variant: variant[1])
