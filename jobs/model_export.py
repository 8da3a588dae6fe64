"""A model as an ONNX file in a folder that is a model directory itself."""

import json
from pathlib import Path

from jobs.model_directory import ModelDirectory
from schemas.errors import UsageError
from workers.models.made import Export

_CARD = "wardround.json"


def export_onnx(model: ModelDirectory, to: Path) -> list[Path]:
    """Write the file and `wardround.json` beside it; returns both.

    Raises UsageError for a collection without ONNX, a name that is none of ONNX, or a file that is there already.
    """
    export: Export | None = model.room.find("onnx_export", "export")
    if export is None:
        raise UsageError(f"models of {model.collections[0]} have no ONNX form: only native networks of images have")
    if to.suffix != ".onnx":
        raise UsageError(f"{str(to)!r} does not end with .onnx: name the file so, in a folder of its own")
    card = to.parent / _CARD
    for path in (to, card):
        if path.exists():
            raise UsageError(f"{str(path)!r} is there already: name a file in another folder with --to")
    with model.fetched.named(model.uri):
        made = export(model.fetched.path, model.card)
    text = json.dumps({**made.card, "file": to.name}, indent=1, ensure_ascii=False)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(made.onnx)
        card.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{str(to)!r} cannot be written: {error.strerror}; name another file with --to") from None
    return [to, card]
