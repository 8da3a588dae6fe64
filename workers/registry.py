"""Every network, model format, collection and converter, by the name that specs and model directories use.

The tables are literal, so that what exists can be read here; a module is imported when it is asked for. Packages of
others add to them by entry points (`workers.plugins`), so the functions below are asked, not the tables.
"""

import re

from workers import plugins
from workers.lookup import Names, extra_of

_MONAI = (
    *("Classifier", "DenseNet", "DenseNet121", "DenseNet169", "DenseNet201", "DenseNet264", "EfficientNet"),
    *("EfficientNetBN", "Regressor", "ResNet", "SENet", "SENet154", "SEResNet50", "SEResNet101", "SEResNet152"),
    *("SEResNext50", "SEResNext101", "ViT", "resnet10", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    "resnet200",
)
"""What tells labels of a 2-D image, by the names of `monai.networks.nets`."""
MONAI_MARKS = (
    *("AHNet", "AttentionUnet", "BasicUNet", "BasicUNetPlusPlus", "DynUNet", "FlexibleUNet", "HighResNet", "MedNeXt"),
    *("SegResNet", "SegResNetDS", "SwinUNETR", "UNETR", "UNet", "VNet"),
)
"""What marks structures in a volume."""
_OF_MONAI = re.compile(r"^monai\..*")

VOLUMES = "images.volumes"
"""Where the networks on volumes stand: their formats are those of the collection `images`."""

NETWORKS: dict[str, dict[str, str]] = {
    "images": {
        "densenet": "workers.images.networks.densenet",
        "keras_starter": "workers.images.networks.keras_starter",
        **{f"monai.{name}": f"workers.images.networks.monai_nets:{name}" for name in _MONAI},
        "resnet": "workers.images.networks.resnet",
        "smallcnn": "workers.images.networks.smallcnn",
    },
    VOLUMES: {
        **{
            f"monai.{name}": f"workers.images.volumes.networks.monai_nets:{name}"
            for name in sorted((*_MONAI, *MONAI_MARKS))
        },
        "res_unet": "workers.images.volumes.networks.res_unet",
    },
    "notes": {
        "word_rnn": "workers.ehr.notes.networks.word_rnn",
    },
    "events": {
        "code_transformer": "workers.ehr.events.networks.code_transformer",
        "event_rnn": "workers.ehr.events.networks.rnn",
        "retain": "workers.ehr.events.networks.retain",
    },
    "genotypes": {
        "panel_cnn": "workers.genomics.genotypes.networks.cnn",
        "panel_mlp": "workers.genomics.genotypes.networks.mlp",
        "panel_transformer": "workers.genomics.genotypes.networks.transformer",
    },
    "sequences": {
        "dilated_resnet": "workers.genomics.sequences.networks.dilated_resnet",
    },
    "molecules": {
        "fingerprint_mlp": "workers.molecules.networks.fingerprint_mlp",
    },
}
"""The networks by collection: what a `config.json` of ours (`workers.models.network_directory`) can name."""

FORMATS: dict[str, dict[str, str]] = {
    "images": {
        "native": "workers.images.formats.native",
        "volume": "workers.images.volumes.formats.native",
        "monai-bundle": "workers.images.volumes.formats.monai.bundle",
        "nnunet": "workers.images.volumes.formats.nnunet.folder",
        "volume-onnx": "workers.images.volumes.formats.onnx",
        "volume-pt2": "workers.images.volumes.formats.exported",
        "text-detector": "workers.images.formats.text_detector",
        "onnx": "workers.images.formats.onnx",
        "keras": "workers.images.formats.keras",
        "huggingface": "workers.images.formats.huggingface",
    },
    "notes": {
        "spacy": "workers.ehr.notes.formats.spacy.pipeline",
        "word-rnn": "workers.ehr.notes.formats.word_rnn",
        "text-embedding": "workers.text_models.embedding",
        "text-classification": "workers.text_models.classification",
        "text-token-classification": "workers.text_models.token_classification",
    },
    "events": {
        "events": "workers.ehr.events.formats.directory",
    },
    "sequences": {
        "sequence-cnn": "workers.genomics.sequences.formats.cnn",
        "splice-cnn": "workers.genomics.sequences.formats.splice",
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
        "text-embedding": "workers.text_models.embedding",
        "text-classification": "workers.text_models.classification",
    },
}
"""The model formats by collection. The first that recognises a directory has it."""

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
    "bgen": "workers.genomics.convert_plink",
    "vcf": "workers.genomics.convert_vcf",
}
"""What `job: convert` reads, by `input.format`."""


EVALUATIONS: dict[str, str] = {
    "evaluation": "workers.evaluation",
}
"""What `job: evaluate` reads: one room."""


READERS: dict[str, str] = {
    "label maps": "workers.images.volumes.label_map",
}
"""What the core asks of a wing: files that only it can read."""


TRAININGS: dict[str, str] = {
    "images": "workers.images.training",
    "notes": "workers.ehr.notes.training",
    "events": "workers.ehr.events.training",
    "genotypes": "workers.genomics.genotypes.training",
    "sequences": "workers.genomics.sequences.training",
    "molecules": "workers.molecules.training",
}
"""What `job: train` reads and fits, by `input.collection`."""


PRETRAINED = "huggingface"
"""In a training: the network of a Hugging Face directory, whatever it is, that is learned further."""

FINE_TUNED = ("notes", "molecules")
"""The collections whose trainings have it."""


def networks(collection: str) -> Names:
    """The networks that model directories of a collection may name."""
    extra = _extra(collection)
    return Names("network", NETWORKS.get(collection, {}), plugins.NETWORKS, collection, extra)


def formats(collection: str) -> Names:
    """The model formats of a collection, ours first, in the order in which a directory is held against them."""
    extra = _extra(collection)
    return Names("model format", FORMATS.get(collection, {}), plugins.FORMATS, collection, extra)


def collections() -> Names:
    """What `input.collection` may name."""
    return Names("input.collection", COLLECTIONS, plugins.COLLECTIONS)


def converters() -> Names:
    """What `input.format` of a conversion may name."""
    return Names("input.format", CONVERTERS)


def evaluations() -> Names:
    """The room of evaluations."""
    return Names("evaluation", EVALUATIONS, extra="evaluate")


def readers() -> Names:
    """What reads files for the core."""
    return Names("reader", READERS, extra="volumes")


def trainings() -> Names:
    """What `input.collection` of a training may name."""
    return Names("input.collection", TRAININGS)


def trainable() -> str:
    """What `job: train` fits, by collection, for people."""
    # Those of MONAI are many: docs/models.md lists them.
    named = {
        name: dict.fromkeys(_OF_MONAI.sub("monai.NAME", one) for one in NETWORKS.get(name, ())) for name in TRAININGS
    }
    by_collection = {
        name: [*named[name], *([PRETRAINED] if name in FINE_TUNED else [])] for name in named if named[name]
    }
    return "; ".join(f"{name}: {', '.join(networks)}" for name, networks in by_collection.items())


def _extra(collection: str) -> str:
    """The extra that a collection needs, wherever the module lies that serves it."""
    return extra_of(COLLECTIONS.get(collection, ""))
