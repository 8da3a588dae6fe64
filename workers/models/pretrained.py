"""Load a checked Hugging Face directory with transformers, strictly. Imports torch and transformers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers.utils import logging
from transformers.utils.logging import disable_progress_bar

from schemas.errors import SpecError
from workers.models.weights import refuse_unfinite

_QUIET = 50
"""More than any level at which transformers says something."""


@contextmanager
def quiet() -> Iterator[None]:
    """transformers says nothing meanwhile."""
    before = logging.get_verbosity()
    logging.set_verbosity(_QUIET)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def loaded(kind: Any, directory: Path, **options: Any) -> tuple[Any, Mapping[str, Any]]:
    """What the `AutoModel...` class makes of a checked directory, and its report of keys. Raises SpecError."""
    disable_progress_bar()
    try:
        found: tuple[Any, Mapping[str, Any]] = kind.from_pretrained(
            str(directory),
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            dtype=torch.float32,
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0][:300]
        raise SpecError(f"{directory}: transformers cannot load it ({reason})") from error
    return found


def refuse_missing(missing: Sequence[str], directory: Path) -> None:
    """Raise SpecError where weights that are needed are not there: transformers draws them at random."""
    if missing:
        raise SpecError(f"{directory}: the weights lack {len(missing)} tensors of the model, the first {missing[0]!r}")


def pretrained(kind: Any, directory: Path, may_lack: str = "") -> Any:
    """The model as the `AutoModel...` class loads it, refusing what it only warns of: weights drawn at random.

    `may_lack` begins the names of tensors that are not used and may therefore be absent.
    """
    model, report = loaded(kind, directory)
    refuse_missing(
        sorted(name for name in report["missing_keys"] if not may_lack or not name.startswith(may_lack)), directory
    )
    refuse_unfinite(dict(model.named_parameters()), str(directory))
    return model.eval().requires_grad_(False)
