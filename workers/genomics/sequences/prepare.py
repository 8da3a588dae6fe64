"""The `prepare` steps of models on sequences: how a window is cut, and whether both strands are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from schemas.errors import SpecError
from schemas.loading import nearest, validate
from workers.contract import ModelCard


class SequenceWindow(BaseModel):
    """`length` bases, the first base of REF at place `length // 2` of them; None: as many as the model takes.

    Where a window reaches over the end of its contig, `edges: pad` fills it with N and `edges: refuse` makes the record
    `out_of_contract`. So do `ambiguous: n` and `ambiguous: refuse` with the IUPAC codes of several bases; N is always
    taken. Sequences that are no surroundings of a variant are not cut.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    length: int | None = Field(default=None, ge=1, le=4_000_000)
    edges: Literal["pad", "refuse"] = "pad"
    ambiguous: Literal["n", "refuse"] = "n"


class BothStrands(BaseModel):
    """Every output is the mean of the sequence and of its reverse complement."""

    model_config = ConfigDict(frozen=True, extra="forbid")


STEPS: Mapping[str, type[BaseModel]] = {"window": SequenceWindow, "both_strands": BothStrands}
"""By the name that a spec gives."""


@dataclass(frozen=True)
class Preparation:
    """The steps of one model, resolved: `length` is None only where no variant is to be surrounded."""

    window: SequenceWindow
    both_strands: bool

    @property
    def left(self) -> int:
        """Bases before the first of REF."""
        return (self.window.length or 0) // 2

    @property
    def right(self) -> int:
        """Bases from the first of REF on."""
        return (self.window.length or 0) - self.left


def parse_steps(raw: Sequence[Any]) -> Preparation:
    """A whole `prepare` list. Raises SpecError that names the entry, and the nearest known name."""
    if isinstance(raw, str | Mapping) or not isinstance(raw, Sequence):
        raise SpecError(f"prepare: expected a list of steps, found {type(raw).__name__}")
    found: dict[str, BaseModel] = {}
    for position, entry in enumerate(raw):
        given = {entry: {}} if isinstance(entry, str) else entry
        if not isinstance(given, Mapping) or len(given) != 1:
            raise SpecError(f"prepare[{position}]: expected a step's name, or one name with its settings")
        ((name, settings),) = given.items()
        if name not in STEPS:
            known = ", ".join(sorted(STEPS))
            raise SpecError(
                f"prepare[{position}]: unknown step {name!r}{nearest(str(name), STEPS) or '.'} Known: {known}"
            )
        if name in found:
            raise SpecError(f"prepare: {name!r} stands there twice")
        found[name] = validate(STEPS[name], settings or {}, f"prepare[{position}] {name}")
    window = found.get("window", SequenceWindow())
    return Preparation(window if isinstance(window, SequenceWindow) else SequenceWindow(), "both_strands" in found)


def resolve(card: ModelCard, given: Sequence[Any] | None, has_variants: bool) -> tuple[Any, ...]:
    """The steps of a run for this model, those of the spec or its own, every setting written out.

    Raises SpecError where they do not fit the model or the input.
    """
    steps = parse_steps(card.prepare if given is None else given)
    longest, is_protein = card.settings.get("longest"), card.settings["alphabet"] == "protein"
    if is_protein and has_variants:
        raise SpecError("the model is one of proteins, a VCF is about DNA: give it a table of sequences")
    if is_protein and steps.both_strands:
        raise SpecError("prepare: both_strands: a protein has no other strand; remove it")
    length = steps.window.length
    if not has_variants:
        if length is not None and given is not None:
            raise SpecError("prepare: window.length is for variants; whole sequences are not cut: remove it")
        return _written(steps.window.model_copy(update={"length": None}), steps.both_strands)
    if length is None:
        length = longest
    if length is None:
        raise SpecError("prepare: window.length is missing, and the model does not say how many bases it takes")
    if longest is not None and length > longest:
        raise SpecError(f"prepare: window.length is {length}, the model takes at most {longest} bases")
    fixed = card.settings.get("fixed_length")
    if fixed is not None and length != fixed:
        raise SpecError(f"prepare: window.length is {length}, the model takes {fixed} bases exactly")
    return _written(steps.window.model_copy(update={"length": length}), steps.both_strands)


def with_strands(card: ModelCard, steps: Preparation) -> ModelCard:
    """The card that encoder and scorer get under these steps."""
    return replace(card, settings={**card.settings, "both_strands": steps.both_strands})


def _written(window: SequenceWindow, both_strands: bool) -> tuple[Any, ...]:
    steps: list[dict[str, Any]] = [{"window": window.model_dump(mode="json")}]
    return (*steps, *([{"both_strands": {}}] if both_strands else []))


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a `prepare` list over sequences."""
    places, document = models_json_schema(
        [(model, "validation") for model in STEPS.values()], ref_template="#/$defs/{model}"
    )
    steps: list[dict[str, Any]] = [
        {
            "type": "object",
            "properties": {name: {"anyOf": [places[model, "validation"], {"type": "null"}]}},
            "required": [name],
            "additionalProperties": False,
        }
        for name, model in STEPS.items()
    ]
    return {"type": "array", "items": {"anyOf": [{"enum": sorted(STEPS)}, *steps]}, "$defs": document["$defs"]}
