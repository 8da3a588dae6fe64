"""The Hugging Face directory that a fine-tuning begins from: its tokenizer, and how texts are cut for it. No torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from schemas.loading import validate
from workers.text_models.directory import (
    CARD,
    DeclaredText,
    chosen_windows,
    declared_format,
    read_declared,
    read_encoder_config,
    window_settings,
)
from workers.text_models.token_windows import STEP, Windows
from workers.text_models.tokenizer import OpenTokenizer, TextTokenizer, check_tokenizer, open_tokenizer

W = TypeVar("W", bound=Windows)


class Start(Generic[W]):
    """`name` is the format of the directory that is to come of it, `windows` the prepare step of that format.

    What its author recommends is taken from a directory of the same format alone. Raises SecurityError for what could
    run code, SpecError for what cannot be fine-tuned.
    """

    def __init__(self, folder: Path, name: str, windows: type[W]) -> None:
        self.folder = folder
        self.config: dict[str, Any] = read_encoder_config(folder)
        check_tokenizer(folder)
        same = declared_format(folder) == name
        self.declared = read_declared(folder, name, DeclaredText) if same else DeclaredText(format=name)
        self._kind = windows
        how = validate(windows, self.declared.windows, f"{folder / CARD}: {STEP}")
        self._settings = window_settings(folder, self.config, how)

    def windows(self, steps: Sequence[BaseModel]) -> W:
        """How texts are cut, every setting written out: as one of these steps says, else as the author recommends.

        Raises SpecError where it does not fit the model.
        """
        return chosen_windows(self._settings, steps, self._kind)

    def open(self) -> OpenTokenizer:
        """Its tokenizer."""
        return open_tokenizer(self.folder, str(self.config.get("model_type", "")), self.config.get("vocab_size"))

    def encoder(self, how: W, offsets: bool = False) -> TextTokenizer:
        """Cuts texts as predict does."""
        return TextTokenizer(self.open(), how, offsets=offsets)
