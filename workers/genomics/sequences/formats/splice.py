"""Splice models as their authors use them: `config.json`, the weights of one or several networks, a table of genes.

    {"format": "splice-cnn", "format_version": 1,
     "network": "dilated_resnet", "settings": {"num_outputs": 3, "norm_eps": 0.001},
     "weights": ["1.safetensors", "2.safetensors", ...],      of several networks the mean of probabilities is taken
     "context": 10000,                           bases around a position that the network looks at, half on either side
     "head": {"activation": "softmax", "labels": ["neither", "acceptor", "donor"]},
     "genes": "grch38.txt",                      workers/genomics/sequences/splicing/genes.py
     "distance": 50, "masked": false, "edges": "refuse", "ambiguous": "n"}      optional: what the author recommends

Settings of a network: workers/genomics/sequences/networks/dilated_resnet.py, without `positions` and `pooling`, which
follow from the distance. A variant has a column `ds_max` and a column `genes`, whose entries have what the package
`spliceai` writes into INFO (workers/genomics/sequences/splicing/deltas.py). What alleles of a site, and variants that
lie close together in a gene, share is computed once.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from schemas.errors import SpecError
from schemas.outputs import OutputField
from workers import registry
from workers.contract import ModelCard, Placement, Scorer
from workers.genomics.sequences.contract import SequenceEncoder, SequenceFormat
from workers.genomics.sequences.splicing.deltas import GENES_TYPE, MEANING
from workers.genomics.sequences.splicing.encoding import SpliceEncoder
from workers.genomics.sequences.splicing.genes import read_genes
from workers.genomics.sequences.steps import SPLICE_CONTEXT, SequenceWindow, SpliceSites, written
from workers.models.files import confined
from workers.models.network_directory import CONFIG, WEIGHTS, NetworkConfig, NetworkDirectory, NetworkSizes, settings_of

SITES = ("acceptor", "donor")
"""Labels that a splice model has to have."""

OUTPUTS = (
    OutputField(
        name="ds_max",
        type="float32",
        meaning="largest delta score of all genes and kinds of sites; null where the variant lies in no gene",
        over_frames="max",
        may_be_null=True,
    ),
    OutputField(
        name="genes",
        type=GENES_TYPE,
        meaning=f"an entry a gene: delta scores (ds) and places relative to the variant (dp) of {MEANING}",
        over_frames="concat",
    ),
)


class SpliceConfig(NetworkConfig):
    """`config.json`. Whether the networks look at so much `context` is checked at load."""

    format: Literal["splice-cnn"]
    weights: tuple[str, ...] = Field(default=(WEIGHTS,), min_length=1, max_length=64)
    context: int = Field(ge=0, le=1_000_000, multiple_of=2)
    genes: str
    distance: int = SpliceSites().distance
    masked: bool = False
    edges: Literal["pad", "refuse"] = "refuse"
    ambiguous: Literal["n", "refuse"] = "n"

    @field_validator("weights")
    @classmethod
    def _each_once(cls, weights: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(weights)) < len(weights):
            raise ValueError("a file stands there twice: every network counts once")
        return weights


class SpliceCnn(NetworkDirectory[SpliceConfig, NetworkSizes]):
    """One or several of the networks in workers/genomics/sequences/networks/, and genes."""

    name = "splice-cnn"
    config = SpliceConfig
    sizes = NetworkSizes
    networks = registry.networks("sequences")

    def weights_of(self, config: SpliceConfig) -> Sequence[str]:
        """A file a network."""
        return config.weights

    def sizes_of(self, settings: Mapping[str, Any], path: Path) -> NetworkSizes:
        """As for every network. Raises SpecError also for settings that the distance makes."""
        for name in ("positions", "pooling"):
            if name in settings:
                raise SpecError(f"{path}: settings.{name} follows from the distance: leave it out")
        return super().sizes_of(settings, path)

    def card(self, directory: Path, config: SpliceConfig, sizes: NetworkSizes) -> ModelCard:
        """The card of a splice model. Raises SpecError for labels or genes that are none of it."""
        path = directory / CONFIG
        missing = [site for site in SITES if site not in config.head.labels]
        if missing:
            raise SpecError(
                f"{path}: head.labels has no {missing[0]!r}: name the outputs of a position, in their order"
            )
        if config.head.activation == "none":
            raise SpecError(f"{path}: head.activation must be softmax or sigmoid: scores are of probabilities")
        genes = read_genes(confined(directory, config.genes))
        window = SequenceWindow(length=None, edges=config.edges, ambiguous=config.ambiguous)
        splice = SpliceSites(distance=config.distance, masked=config.masked)
        return ModelCard(
            format=self.name,
            outputs=OUTPUTS,
            prepare=written(window, False, splice),
            settings={
                **settings_of(config),
                "alphabet": "dna",
                SPLICE_CONTEXT: config.context,
                "weights": list(config.weights),
                "genes": config.genes,
                "gene_contigs": list(genes.contigs),
            },
        )

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> SequenceEncoder:
        """Reads the genes."""
        return SpliceEncoder(read_genes(confined(directory, card.settings["genes"])), card.settings["distance"])

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Scorer:
        """The networks in float32. Raises SpecError also where they look at another context."""
        from workers.genomics.sequences.formats import splice_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        return splice_loaded.load(directory, card, placement)


FORMAT: SequenceFormat = SpliceCnn()
