"""A small reference with its index, a VCF of its variants, and tiny sequence models with seeded weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import torch
import transformers
from safetensors.torch import save_file

from workers.genomics.sequences.networks import dilated_resnet

HEADER = "##fileformat=VCFv4.2\n"
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
ESM_LETTERS = list("LAGVSERTIDPKQNFYMHWCXBUZO.-")
K = 3


def write_fasta(path: Path, contigs: dict[str, str], width: int = 60) -> Path:
    """The file and its index."""
    with path.open("w") as file:
        for name, bases in contigs.items():
            file.write(f">{name} described\n")
            file.writelines(bases[i : i + width] + "\n" for i in range(0, len(bases), width))
    pysam.faidx(str(path))
    return path


def random_bases(length: int, seed: int, letters: str = "ACGT") -> str:
    """Some bases."""
    return "".join(np.random.default_rng(seed).choice(list(letters), length))


def write_vcf(path: Path, lines: Sequence[tuple[Any, ...]], contigs: Sequence[str] = ()) -> Path:
    """Lines are (chrom, pos, ref, alt)."""
    body = "".join(f"{chrom}\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\n" for chrom, pos, ref, alt in lines)
    declared = "".join(f"##contig=<ID={name}>\n" for name in contigs)
    path.write_text(HEADER + declared + COLUMNS + body)
    return path


def some_variants(contigs: dict[str, str], count: int, seed: int = 0) -> list[tuple[str, int, str, str]]:
    """`count` lines a contig, sorted: SNVs, insertions, deletions, some with two or three alleles, some close by."""
    chance = np.random.default_rng(seed)
    lines = []
    for name, bases in contigs.items():
        for pos in sorted(chance.choice(np.arange(1, len(bases) - 10), count, replace=False).tolist()):
            ref = bases[pos - 1 : pos - 1 + int(chance.choice([1, 1, 1, 4]))].upper()
            alts = {random_bases(int(chance.choice([1, 1, 5])), int(chance.integers(10**6))) for _ in range(3)} - {ref}
            lines.append((name, pos, ref, ",".join(sorted(alts)) or "<DEL>"))
    return lines


def save_kmer_bert(directory: Path, head: str = "SequenceClassification", **changes: Any) -> Path:
    """A BERT over 3-mers as DNABERT is laid out: `vocab.txt` and no fast tokenizer. It takes 60 bases."""
    directory.mkdir(parents=True, exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *("".join(kmer) for kmer in product("ACGT", repeat=K))]
    (directory / "vocab.txt").write_text("\n".join(words) + "\n")
    size: dict[str, Any] = {"num_labels": 2, "initializer_range": 0.4, "vocab_size": len(words), **changes}
    config = transformers.BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=60,
        **size,
    )
    torch.manual_seed(1)
    getattr(transformers, f"BertFor{head}" if head else "BertModel")(config).save_pretrained(directory)
    return directory


def save_esm(directory: Path, words: Sequence[str], head: str = "SequenceClassification", **changes: Any) -> Path:
    """An ESM over these words, with 40 tokens at most; `eos` among `changes` says whether there is an end token."""
    directory.mkdir(parents=True, exist_ok=True)
    has_end = bool(changes.pop("eos", False))
    words = ["<cls>", "<pad>", *(["<eos>"] if has_end else []), "<unk>", *words, "<mask>"]
    (directory / "vocab.txt").write_text("\n".join(words))
    named = {} if has_end else {"eos_token": None}
    transformers.EsmTokenizer(str(directory / "vocab.txt"), model_max_length=40, **named).save_pretrained(directory)
    size: dict[str, Any] = {"num_labels": 1, "problem_type": "regression", "initializer_range": 0.4, **changes}
    config = transformers.EsmConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=42,
        pad_token_id=1,
        mask_token_id=len(words) - 1,
        token_dropout=True,
        position_embedding_type="rotary",
        **size,
    )
    torch.manual_seed(2)
    getattr(transformers, f"EsmFor{head}" if head else "EsmModel")(config).save_pretrained(directory)
    return directory


RESIDUES = "LAGVESIKRDTPNQFYMHCWXUBZO"


def save_prot_bert(directory: Path, **config: Any) -> Path:
    """A BERT with a word a residue, laid out as ProtBERT is: `vocab.txt` and no fast tokenizer."""
    directory.mkdir(parents=True, exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *RESIDUES]
    (directory / "vocab.txt").write_text("\n".join(words) + "\n")
    said = {"do_lower_case": False, "tokenizer_class": "BertTokenizer", **config}
    (directory / "tokenizer_config.json").write_text(json.dumps(said))
    torch.manual_seed(6)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    size = {"vocab_size": len(words), "max_position_embeddings": 64, "num_labels": 2, "initializer_range": 0.4}
    transformers.BertForSequenceClassification(transformers.BertConfig(**shape, **size)).save_pretrained(directory)
    return directory


def kmer_words() -> list[str]:
    """The words of an ESM over 3-mers that do not overlap, as the Nucleotide Transformer has them of 6."""
    return [*("".join(kmer) for kmer in product("ACGT", repeat=K)), *"ACGTN"]


SMALL_CNN: dict[str, Any] = {
    "num_outputs": 2,
    "channels": 8,
    "kernels": [5, 5, 7, 7],
    "dilations": [1, 2, 2, 3],
    "skip_every": 2,
    "positions": 5,
}
"""Settings of a network that takes 89 bases."""


def save_cnn(directory: Path, settings: dict[str, Any] = SMALL_CNN, **more: Any) -> Path:
    """A dilated residual network with weights, and statistics of batch norm, all randomly initialised."""
    directory.mkdir(parents=True, exist_ok=True)
    config = dilated_resnet.Config.model_validate(settings)
    torch.manual_seed(4)
    network = dilated_resnet.build(config)
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_mean", "running_var")):
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
    save_file(network.state_dict(), directory / "model.safetensors")
    said = {
        "format": "sequence-cnn",
        "format_version": 1,
        "network": "dilated_resnet",
        "settings": settings,
        "window": config.window,
        "head": {"activation": "sigmoid", "labels": ["Acceptor", "Donor"]},
        **more,
    }
    (directory / "config.json").write_text(json.dumps(said))
    return directory


def edit_card(directory: Path, **keys: Any) -> Path:
    """Write `wardround.json`."""
    (directory / "wardround.json").write_text(json.dumps(keys))
    return directory
