"""What a spec says of a network of transformers that is fine-tuned. Imports no torch."""

from schemas.frozen import Frozen
from workers.registry import PRETRAINED
from workers.training.job.settings import TrainKeys


class PretrainedSettings(Frozen):
    """`network.settings`: all that there is stands in `config.json` of `start`."""


def check_pretrained(source: TrainKeys) -> None:
    """Raises ValueError where a network of transformers lacks what it begins from, or the rate that it needs, and for
    several: a directory has one."""
    if source.network.name != PRETRAINED:
        return
    if source.start is None:
        raise ValueError(f"network.name is {PRETRAINED}, which begins from a Hugging Face directory: say `start`")
    if source.is_of_several:
        raise ValueError(f"seeds: a directory of {PRETRAINED} has one network: give one seed, and no folds")
    if "learning_rate" not in source.fit.model_fields_set:
        raise ValueError(
            "fit.learning_rate: say it: the default is for fresh networks, and one that was trained before is "
            "fine-tuned with about 2.0e-5"
        )
