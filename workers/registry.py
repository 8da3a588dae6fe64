"""Every network, model format, collection and converter, by the name that specs and model directories use.

The tables are literal, so that what exists can be read here; a module is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from schemas.errors import MissingExtraError, SpecError
from schemas.loading import nearest

NETWORKS: dict[str, str] = {
    "densenet": "workers.images.networks.densenet",
    "resnet": "workers.images.networks.resnet",
    "smallcnn": "workers.images.networks.smallcnn",
}

EVENT_NETWORKS: dict[str, str] = {
    "code_transformer": "workers.ehr.events.networks.code_transformer",
    "event_rnn": "workers.ehr.events.networks.rnn",
    "retain": "workers.ehr.events.networks.retain",
}
"""Of the format `events`: from `workers.ehr.events.networks.packed.PackedHistories` to logits."""

NOTE_NETWORKS: dict[str, str] = {
    "word_rnn": "workers.ehr.notes.networks.word_rnn",
}
"""Of the format `word-rnn`: from packed words to logits."""

PANEL_NETWORKS: dict[str, str] = {
    "panel_cnn": "workers.genomics.genotypes.networks.cnn",
    "panel_mlp": "workers.genomics.genotypes.networks.mlp",
    "panel_transformer": "workers.genomics.genotypes.networks.transformer",
}
"""Of the format `panel`: from the encoded variants of a panel to logits."""

SEQUENCE_NETWORKS: dict[str, str] = {
    "dilated_resnet": "workers.genomics.sequences.networks.dilated_resnet",
}
"""Of the format `sequence-cnn`: from bases one-hot to logits, each with a `VariantScorer`."""

MOLECULE_NETWORKS: dict[str, str] = {
    "fingerprint_mlp": "workers.molecules.networks.fingerprint_mlp",
}
"""Of the format `fingerprint`: from fingerprints to logits."""

FORMATS: dict[str, dict[str, str]] = {
    "images": {
        "native": "workers.images.formats.native",
        "text-detector": "workers.images.formats.text_detector",
        "onnx": "workers.images.formats.onnx",
        "huggingface": "workers.images.formats.huggingface",
    },
    "notes": {
        "spacy": "workers.ehr.notes.formats.spacy.pipeline",
        "word-rnn": "workers.ehr.notes.formats.word_rnn",
        "text-embedding": "workers.models.text.embedding",
        "text-classification": "workers.models.text.classification",
        "text-token-classification": "workers.models.text.token_classification",
    },
    "events": {
        "events": "workers.ehr.events.formats.directory",
    },
    "sequences": {
        "sequence-cnn": "workers.genomics.sequences.formats.cnn",
        "sequence-embedding": "workers.genomics.sequences.formats.embedding",
        "sequence-classification": "workers.genomics.sequences.formats.classification",
    },
    "genotypes": {
        "panel": "workers.genomics.genotypes.formats.panel",
        "pgs": "workers.genomics.genotypes.formats.pgs",
    },
    "molecules": {
        "properties": "workers.molecules.formats.properties",
        "fingerprint": "workers.molecules.formats.fingerprint",
        "text-embedding": "workers.models.text.embedding",
        "text-classification": "workers.models.text.classification",
    },
}
"""By collection. The first that recognises a directory has it."""

COLLECTIONS: dict[str, str] = {
    "images": "workers.images",
    "notes": "workers.ehr.notes",
    "events": "workers.ehr.events",
    "genotypes": "workers.genomics.genotypes",
    "sequences": "workers.genomics.sequences",
    "molecules": "workers.molecules",
}

CONVERTERS: dict[str, str] = {
    "fhir": "workers.ehr.convert_fhir",
    "omop": "workers.ehr.convert_omop",
    "bed": "workers.genomics.convert_plink",
    "pgen": "workers.genomics.convert_plink",
    "vcf": "workers.genomics.convert_vcf",
}
"""What `job: convert` reads, by `input.format`."""

RECHECKS: frozenset[str] = frozenset({"events"})
"""Collections with a module `recheck`: `wardround verify` has it compute a sample of rows again."""

EXTRAS: dict[str, str] = {
    "images": "images",
    "notes": "ehr",
    "events": "ehr",
    "genotypes": "genomics",
    "sequences": "genomics",
    "molecules": "molecules",
    "bed": "genomics",
    "pgen": "genomics",
    "vcf": "genomics",
}
"""The extra of the package that a collection or converter needs, by its name."""

_OWN = {"schemas", "cluster", "workers", "jobs"}


def resolve(table: Mapping[str, str], name: str, kind: str, extra: str = "images") -> ModuleType:
    """The module behind `name`. `kind` is what error messages call it.

    Raises SpecError for an unknown name and MissingExtraError where it needs a package of `extra` that is not there.
    """
    if name not in table:
        raise SpecError(f"{kind} {name!r} is unknown{nearest(name, table) or '.'} Known: {', '.join(sorted(table))}")
    try:
        return importlib.import_module(table[name])
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not missing or missing in _OWN:
            raise
        raise MissingExtraError(missing, extra) from error


def resolve_room(job: str, source: Mapping[str, Any], part: str) -> ModuleType:
    """Module `part` of the collection (predict) or converter (convert) that `input:` of a spec names.

    Raises SpecError for one that is not known, MissingExtraError where it needs a package that is not there.
    """
    key, table = ("format", CONVERTERS) if job == "convert" else ("collection", COLLECTIONS)
    name = source.get(key)
    if not isinstance(name, str):
        raise SpecError(f"input.{key} is missing; known: {', '.join(sorted(table))}")
    extra = EXTRAS.get(name, "all")
    room = resolve(table, name, f"input.{key}", extra)
    return resolve({name: f"{room.__name__}.{part}"}, name, f"input.{key}", extra)
