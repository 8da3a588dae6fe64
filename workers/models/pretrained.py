"""Load a checked Hugging Face directory with transformers, strictly. Imports torch and transformers."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers.utils.logging import disable_progress_bar

from schemas.errors import SpecError
from workers.models.weights import refuse_unfinite


def pretrained(kind: Any, directory: Path, may_lack: str = "") -> Any:
    """The model as the `AutoModel...` class loads it, refusing what it only warns of: weights drawn at random.

    `may_lack` begins the names of tensors that are not used and may therefore be absent.
    """
    disable_progress_bar()
    try:
        model, report = kind.from_pretrained(
            str(directory),
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0][:300]
        raise SpecError(f"{directory}: transformers cannot load it ({reason})") from error
    missing = sorted(name for name in report["missing_keys"] if not may_lack or not name.startswith(may_lack))
    if missing:
        raise SpecError(f"{directory}: the weights lack {len(missing)} tensors of the model, the first {missing[0]!r}")
    refuse_unfinite(dict(model.named_parameters()), str(directory))
    return model.eval().requires_grad_(False)
