"""Model format on notes: a spaCy pipeline directory (`config.cfg`, `meta.json`), as `nlp.to_disk` writes it.

Of an installed pipeline package it is the directory inside of the package that bears the version:
`<site-packages>/en_core_web_sm/en_core_web_sm-3.8.0`. Nothing is imported from the directory, nothing is installed.
`context.yaml` and `sections.yaml` in it replace our own rules of the same names (`workers.ehr.language`).

Entities are those of `nlp(text).ents`. With `{language: {...}}` under `prepare` a spec asks for more columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel

from schemas.errors import SpecError
from schemas.outputs import OutputField
from workers.contract import ModelCard, Placement
from workers.ehr.language.nltk_spans import punkt_data, punkt_directory
from workers.ehr.language.rules import load_rules
from workers.ehr.notes.formats.spacy.config import CONFIG, META, read_config
from workers.ehr.notes.formats.spacy.encoder import SpacyEncoder
from workers.ehr.notes.formats.spacy.step import PUNKT, STEP, LanguageStep, outputs_of
from workers.text_models.contract import TextFormat

NAME = "spacy"

_SETS_SENTENCES = frozenset({"parser", "senter", "sentencizer"})


class SpacyPipeline:
    """A pipeline of spaCy, all of which its encoder runs."""

    steps: ClassVar[Mapping[str, type[BaseModel]]] = {STEP: LanguageStep}
    looks_for = f"{CONFIG} with {META} (a spaCy pipeline; of an installed package the inner directory with the version)"

    def recognises(self, directory: Path) -> bool:
        """Whether both files are there."""
        return (directory / CONFIG).is_file() and (directory / META).is_file()

    def describe(self, directory: Path) -> ModelCard:
        """The card, with the columns of a `language` step without settings. Does not load spaCy.

        Raises SecurityError where the pipeline asks for code that is not spaCy's own, SpecError with what else is
        wrong.
        """
        config = read_config(directory)
        off = config["nlp"].get("disabled") or []
        settings = {
            "components": {
                name: config["components"][name]["factory"] for name in config["nlp"]["pipeline"] if name not in off
            },
            "rules": load_rules(directory).digest,
        }
        return self.with_steps(ModelCard(NAME, (), settings=settings), ())

    def with_steps(self, card: ModelCard, steps: Sequence[BaseModel]) -> ModelCard:
        """The card with the columns that these steps ask for. Raises SpecError."""
        step = _only(steps)
        if step.sentences == "spacy" and not _SETS_SENTENCES & set(card.settings["components"].values()):
            raise SpecError(
                "language: sentences: spacy: no component of this pipeline finds sentences; it needs one of "
                f"{', '.join(sorted(_SETS_SENTENCES))}"
            )
        data = ""
        if step.sentences == "punkt":
            data = punkt_data(punkt_directory(step.nltk_data, step.punkt_language)).digest
        settings = {**card.settings, STEP: step.model_dump(mode="json"), PUNKT: data}
        return replace(card, outputs=outputs_of(step, card.settings["rules"], data), settings=settings)

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> SpacyEncoder:
        """The encoder: all of the pipeline."""
        return SpacyEncoder(directory, LanguageStep.model_validate(card.settings[STEP]), cpus, card.settings[PUNKT])

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> PassOn:
        """Nothing is left for the device."""
        return PassOn(card.outputs)


@dataclass(frozen=True)
class PassOn:
    """Implements Scorer: the encoder's values are the answers."""

    outputs: tuple[OutputField, ...]

    def score(self, values: Sequence[Mapping[str, Any]]) -> Mapping[str, Sequence[Any]]:
        """The encoder's values by output."""
        return {field.name: [value[field.name] for value in values] for field in self.outputs}


def _only(steps: Sequence[BaseModel]) -> LanguageStep:
    own = [step for step in steps if isinstance(step, LanguageStep)]
    if len(own) > 1:
        raise SpecError(f"prepare: the step '{STEP}' may stand there once")
    return own[0] if own else LanguageStep()


FORMAT: TextFormat = SpacyPipeline()
