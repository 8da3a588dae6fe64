"""Whether a model directory's tokenizer is read as transformers reads it. Imports transformers.

Tokenizers are read by the files that are there, without transformers (`workers.text_models.tokenizer`), and what
transformers makes of the same files changes with the class that they name and with its own version. So a few made
texts are read both ways as the model is loaded.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from transformers import AutoTokenizer

from schemas.errors import SpecError
from workers.models.pretrained import quiet


def check_tokens(
    directory: Path,
    encode: Callable[[str], Sequence[int]],
    texts: Sequence[str],
    written: Callable[[str], str] = str,
    **options: bool,
) -> None:
    """Compare the numbers that `encode` gives for each text with those of AutoTokenizer, special tokens included.

    `written` is how such models' authors write a text for a tokenizer, `options` what they call it with. Raises
    SpecError where they differ. A directory whose tokenizer transformers cannot read is passed over.
    """
    reference = _reference(directory, options)
    if reference is None:
        return
    for text in texts:
        wanted, found = list(reference(written(text))["input_ids"]), list(encode(text))
        if wanted != found:
            raise SpecError(
                f"{directory}: its tokenizer reads {text!r} as {_shown(found)}, as {type(reference).__name__} of "
                f"transformers it is {_shown(wanted)}: save it again with the tokenizer's own save_pretrained"
            )


def _reference(directory: Path, options: Mapping[str, bool]) -> Callable[..., dict[str, list[int]]] | None:
    try:
        with quiet():
            # Its files were looked at before: none names code or files elsewhere
            # (workers.models.huggingface.refuse_code).
            found: Callable[..., dict[str, list[int]]] = AutoTokenizer.from_pretrained(
                str(directory), trust_remote_code=False, local_files_only=True, **options
            )
    except Exception:  # noqa: BLE001 - each of its tokenizers refuses in its own way, some with a bare Exception
        return None
    return found


def _shown(numbers: Sequence[int]) -> str:
    return f"{list(numbers[:12])}{' and so on' if len(numbers) > 12 else ''}"
