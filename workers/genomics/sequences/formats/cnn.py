"""A convolutional network over bases as a directory: `config.json` and `model.safetensors`.

    {"format": "sequence-cnn", "format_version": 1,
     "network": "dilated_resnet", "settings": {"num_outputs": 2, "positions": 101, ...},
     "window": 10101,                         bases that the network takes, exactly
     "head": {"activation": "sigmoid", "labels": ["enhancer", "promoter"]},
     "edges": "pad", "ambiguous": "n", "both_strands": false}    optional: what the author recommends

Settings of each network and names of its weights: workers/genomics/sequences/networks/dilated_resnet.py. Columns are
`score_<label>`; of variants `_ref`, `_alt` and `_delta` of each. What windows of one shard share is computed once.
Splice models, which are asked position by position, are another format: workers/genomics/sequences/formats/splice.py.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from workers import registry
from workers.contract import Encoded, ModelCard, Placement
from workers.genomics.sequences.contract import SequenceEncoder, SequenceFormat, SequenceScorer
from workers.genomics.sequences.steps import SequenceWindow, written
from workers.genomics.sequences.windows import VariantWindow
from workers.models.head import score_fields
from workers.models.network_directory import EnsembleConfig, NetworkDirectory, NetworkSizes, settings_of


class CnnConfig(EnsembleConfig):
    """`config.json`. Whether the network takes this `window` is checked at load."""

    format: Literal["sequence-cnn"]
    window: int = Field(ge=1, le=4_000_000)
    edges: Literal["pad", "refuse"] = "pad"
    ambiguous: Literal["n", "refuse"] = "n"
    both_strands: bool = False


class WindowEncoder:
    """Implements `workers.genomics.sequences.contract.SequenceEncoder`: bases become numbers on the device."""

    def encode(self, windows: Sequence[VariantWindow]) -> list[Encoded]:
        """The windows themselves."""
        return [Encoded(window, window.bases.nbytes + 500) for window in windows]


class SequenceCnn(NetworkDirectory[CnnConfig, NetworkSizes]):
    """One of the networks in workers/genomics/sequences/networks/."""

    name = "sequence-cnn"
    config = CnnConfig
    sizes = NetworkSizes
    networks = registry.networks("sequences")

    def card(self, directory: Path, config: CnnConfig, sizes: NetworkSizes) -> ModelCard:
        """The card of a sequence network; its settings hold the length of its windows."""
        window = SequenceWindow(length=config.window, edges=config.edges, ambiguous=config.ambiguous)
        return ModelCard(
            format=self.name,
            outputs=score_fields(config.head),
            prepare=written(window, config.both_strands),
            settings={
                **settings_of(config),
                "alphabet": "dna",
                "longest": config.window,
                "fixed_length": config.window,
            },
        )

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> SequenceEncoder:
        """Nothing is done ahead."""
        return WindowEncoder()

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> SequenceScorer:
        """The network in float32. Raises SpecError also where it takes another window."""
        from workers.genomics.sequences.formats import cnn_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        return cnn_loaded.load(directory, card, placement)


FORMAT: SequenceFormat = SequenceCnn()
