"""What the formats of transformers' text models do alike. Imports no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from schemas.loading import validate
from schemas.outputs import OutputField
from workers.contract import ModelCard, Placement, Scorer
from workers.text_models.contract import TextEncoder
from workers.text_models.directory import CARD, chosen_windows, read_encoder_config, window_settings
from workers.text_models.token_windows import COUNTS, STEP, Windows
from workers.text_models.tokenized import Gives
from workers.text_models.tokenizer import TextTokenizer, check_tokenizer, open_tokenizer

W = TypeVar("W", bound=Windows)

_FOLDER = "folder"
MADE = (
    "The patient, 67 y/o, denies chest pain. BP 140/90 mmHg; temp. 38.5\u00b0C.",
    "PNEUMONIA: no pleural effusion\n- cough  x3 days\r\n\r\n\tfollow-up on 12/03/2019 ",
    "  na\u00efve fa\u00e7ade \u00dcbelkeit e\u0301 \u4e2d\u6587 \u00bd \ufb01 \u2013 \u201cquoted\u201d\u2026",
    "CC(=O)Oc1ccccc1C(=O)O [Na+].[Cl-] C[C@@H](N)C(=O)O",
)
"""Texts of every kind that a tokenizer's steps treat differently."""


class TransformersFormat(Generic[W]):
    """A tokenizer that cuts windows, and a model of transformers that takes them.

    `windows` is the prepare step of the format, `gives` what is asked of the model; `with_offsets` has the tokenizer
    say which characters each token stands for.
    """

    name: ClassVar[str]
    gives: ClassVar[Gives]
    with_offsets: ClassVar[bool] = False
    windows: type[W]

    @property
    def steps(self) -> Mapping[str, type[BaseModel]]:
        """One step: how notes are cut into windows, and what is made of theirs."""
        return {STEP: self.windows}

    def with_steps(self, card: ModelCard, steps: Sequence[BaseModel]) -> ModelCard:
        """The card as a spec's own steps make it. Raises SpecError where they do not fit the model."""
        how = chosen_windows(card.settings, steps, self.windows)
        return replace(card, settings={**card.settings, STEP: how.model_dump(mode="json")})

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> TextEncoder:
        """The tokenizer, cutting windows as the card says."""
        settings = card.settings
        opened = open_tokenizer(directory / settings[_FOLDER], settings["model_type"], settings["vocabulary"])
        how = self.windows.model_validate(settings[STEP])
        return TextTokenizer(opened, how, offsets=self.with_offsets, lower=settings["lower"])

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Scorer:
        """The model in float32."""
        from workers.text_models import scorers  # noqa: PLC0415 - imports torch, which the driver must not
        from workers.text_models.same_tokens import check_tokens  # noqa: PLC0415 - imports transformers

        settings, folder = card.settings, directory / card.settings[_FOLDER]
        self.read_config(folder)
        tokenizer = open_tokenizer(folder, settings["model_type"], settings["vocabulary"]).tokenizer
        check_tokens(folder, lambda text: tokenizer.encode(text).ids, MADE)
        return scorers.load(folder, card, self.gives, placement)

    def read_config(self, folder: Path) -> dict[str, Any]:
        """`config.json` of a model that can be run. Raises SecurityError for what could run code, else SpecError."""
        config = read_encoder_config(folder)
        check_tokenizer(folder)
        return config

    def card(
        self,
        directory: Path,
        config: Mapping[str, Any],
        outputs: Sequence[OutputField],
        windows: Mapping[str, Any],
        *,
        folder: str = ".",
        longest: int | None = None,
        lower: bool = False,
        before: Sequence[Any] = (),
        **own: Any,
    ) -> ModelCard:
        """The card, with settings of its own. `windows` are those that the author recommends, of at most `longest`
        tokens unless a run says otherwise, `before` the prepare steps that come first; `folder` has `config`; `lower`:
        texts are put in lower case.
        """
        how = validate(self.windows, windows, f"{directory / CARD}: {STEP}")
        settings = {
            **own,
            _FOLDER: folder,
            "lower": lower,
            "model_type": config.get("model_type", ""),
            "vocabulary": config.get("vocab_size"),
            **window_settings(directory / folder, config, how, longest),
        }
        return ModelCard(self.name, (*outputs, *COUNTS), (*before, {STEP: settings[STEP]}), settings=settings)
