"""A network of transformers with the head that is asked for, begun from a directory that may have another or none.
Imports torch and transformers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import AutoConfig

from workers.models.head import Head
from workers.models.huggingface import CONFIG, architecture_of, head_of
from workers.models.pretrained import loaded, quiet, refuse_missing
from workers.models.weights import refuse_unfinite
from workers.text_models.network import CLASSES
from workers.text_models.tokenized import Gives

_SUFFIXES: Mapping[Gives, str] = {"texts": "ForSequenceClassification", "tokens": "ForTokenClassification"}
_PROBLEMS = {
    "sigmoid": "multi_label_classification",
    "softmax": "single_label_classification",
    "none": "regression",
}


class Beginning:
    """What a fine-tuning begins with. `config` is that of `folder`, which was looked at before."""

    def __init__(self, folder: Path, config: Mapping[str, Any], gives: Gives, head: Head) -> None:
        self._folder, self._gives = folder, gives
        self._had = _head_before(folder, config, gives)
        self._head = head
        self._config: Any = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
        self._config.num_labels = len(head.labels)
        self._config.id2label = dict(enumerate(head.labels))
        self._config.label2id = {label: number for number, label in enumerate(head.labels)}
        self._config.problem_type = _PROBLEMS[head.activation] if gives == "texts" else None

    @property
    def keeps_head(self) -> bool:
        """Whether the directory has a head of these labels, which is then learned further."""
        return self._had == self._head.labels

    @property
    def padding(self) -> int:
        """The number of the token that fills windows up."""
        return int(getattr(self._config, "pad_token_id", None) or 0)

    def network(self) -> Any:
        """With the directory's weights, and a head from torch's global generator where it has none of these labels.

        Raises SpecError where weights below the head are not there.
        """
        with quiet():
            model, report = loaded(
                CLASSES[self._gives], self._folder, config=self._config, ignore_mismatched_sizes=True
            )
        below = f"{model.base_model_prefix}."
        lost = [*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])]
        refuse_missing(sorted(key for key in lost if key.startswith(below) and ".pooler." not in key), self._folder)
        refuse_unfinite(dict(model.named_parameters()), str(self._folder))
        if not self.keeps_head:
            _draw_head(model, lost)
        return model

    def write(self, folder: Path, weights: Mapping[str, Tensor]) -> None:
        """`config.json` and `model.safetensors` of the network with these weights."""
        with quiet():
            model = CLASSES[self._gives].from_config(self._config)
            model.load_state_dict(dict(weights))
            model.save_pretrained(folder, max_shard_size="1000GB")


def _head_before(folder: Path, config: Mapping[str, Any], gives: Gives) -> Sequence[str]:
    """The labels of the head that the directory has of this kind."""
    if not architecture_of(config).endswith(_SUFFIXES[gives]):
        return ()
    return head_of(config, folder / CONFIG).labels


def _draw_head(model: Any, drawn: Sequence[str]) -> None:
    """Draw what came from a head of other labels; what was not there is drawn already."""
    for name, child in model.named_children():
        if name == model.base_model_prefix:
            continue
        for below, module in child.named_modules(prefix=name):
            own = [f"{below}.{key}" for key, _ in module.named_parameters(recurse=False)]
            if own and not set(own) <= set(drawn) and hasattr(module, "reset_parameters"):
                module.reset_parameters()
