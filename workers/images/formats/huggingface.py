"""A Hugging Face image classification directory, as `save_pretrained` of transformers writes it.

Read are `config.json` (architectures `...ForImageClassification`), `model.safetensors` or its shards by
`model.safetensors.index.json`, and `preprocessor_config.json`, which becomes the prepare steps. Columns are
`score_<label>` for the labels of `id2label` in the order of their numbers (naming: workers.models.head.column_name).
Activation as in transformers' own pipeline: none for `problem_type: regression`, sigmoid for
`multi_label_classification` or a single label, else softmax.

Nothing in the directory can make code run: no `auto_map`, no pickle, no attention kernels by name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.errors import SpecError
from workers.contract import Model, ModelCard, Placement
from workers.images.contract import ImageFormat
from workers.images.prepare.hf import shown_range, steps_from_config
from workers.images.prepare.image import Range
from workers.images.steps import parse_steps
from workers.images.value_contract import stated_range
from workers.models.files import read_json
from workers.models.head import score_fields
from workers.models.huggingface import CONFIG, ArchitectureFormat, architecture_of, head_of, read_config, refuse_code

PREPROCESSOR = "preprocessor_config.json"


class HuggingFaceClassifier(ArchitectureFormat):
    """A classifier that `save_pretrained` of transformers wrote."""

    suffix = "ForImageClassification"

    def describe(self, directory: Path) -> ModelCard:
        """The card from the configuration files. Raises SecurityError for what could run code, SpecError otherwise.

        Where `preprocessor_config.json` is absent or holds what no prepare step does, `prepare` is empty and
        `settings["prepare_problem"]` says why: such a model can be run only with `prepare` in the spec.
        """
        path = directory / CONFIG
        config = read_config(directory)
        if architecture_of(config).startswith("TimmWrapper"):
            raise SpecError(f"{path}: needs timm, which is not supported: export the model to ONNX")
        head = head_of(config, path)
        prepare, value_range, problem = _prepare(directory / PREPROCESSOR)
        channels = config.get("num_channels")
        return ModelCard(
            format="huggingface",
            outputs=score_fields(head),
            prepare=prepare,
            channels=channels if isinstance(channels, int) else None,
            value_range=value_range,
            settings={
                "architecture": architecture_of(config),
                "activation": head.activation,
                **({"prepare_problem": problem} if problem else {}),
            },
        )

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Model:
        """The model in float32. Raises SpecError if weights are missing or do not fit the configuration."""
        from workers.images.formats import huggingface_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        read_config(directory)
        return huggingface_loaded.load(directory, card, placement)


def _prepare(path: Path) -> tuple[tuple[Mapping[str, Any], ...], Range | None, str]:
    """The steps, the range of values that the model takes after them, and why there are none."""
    if not path.is_file():
        return (), None, f"the model directory has no {PREPROCESSOR}: write the `prepare` steps in the spec"
    config = read_json(path)
    refuse_code(config, path)
    try:
        steps = steps_from_config(config)
    except SpecError as error:
        return (), None, str(error)
    return tuple(steps), stated_range(parse_steps(steps), shown_range(config)), ""


FORMAT: ImageFormat = HuggingFaceClassifier()
