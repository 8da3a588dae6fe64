"""The `prepare` steps of models on sequences: how a window is cut, and what is made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, Field

from schemas.errors import SpecError
from schemas.frozen import Frozen
from workers import prepare_list
from workers.contract import ModelCard

SPLICE_CONTEXT = "splice_context"
"""The setting by which a card says that its model gives splice sites: bases around a position that it looks at."""


class SequenceWindow(Frozen):
    """`length` bases, the first base of REF at place `length // 2` of them; None: as many as the model takes.

    Where a window reaches over the end of its contig, `edges: pad` fills it with N and `edges: refuse` makes the record
    `out_of_contract`. So do `ambiguous: n` and `ambiguous: refuse` with the IUPAC codes of several bases; N is always
    taken. Sequences that are no surroundings of a variant are not cut.
    """

    length: int | None = Field(
        default=None,
        ge=1,
        le=4_000_000,
        description="bases of a window, the first of REF at place length // 2; by default as many as the model takes",
    )
    edges: Literal["pad", "refuse"] = Field(
        default="pad",
        description="where a window reaches over the end of its contig: filled with N, or the record is "
        "out_of_contract",
    )
    ambiguous: Literal["n", "refuse"] = Field(
        default="n", description="IUPAC codes of several bases: taken for N, or the record is out_of_contract"
    )


class BothStrands(Frozen):
    """Every output is the mean of the sequence and of its reverse complement."""


class SpliceSites(Frozen):
    """How a splice model looks for sites that a variant makes or unmakes: up to `distance` bases on either side of it.

    `masked`: what strengthens a site at the end of an annotated exon, or weakens one anywhere else, counts as 0.
    """

    distance: int = Field(
        default=50, ge=1, le=10_000, description="bases on either side of the variant among which sites are looked for"
    )
    masked: bool = Field(
        default=False,
        description="whether gains at the end of an annotated exon, and losses anywhere else, count as 0",
    )


STEPS: prepare_list.StepTable[BaseModel] = prepare_list.StepTable(
    "sequences",
    {
        "window": "workers.genomics.sequences.steps:SequenceWindow",
        "both_strands": "workers.genomics.sequences.steps:BothStrands",
        "splice": "workers.genomics.sequences.steps:SpliceSites",
    },
    BaseModel,
    open=False,
)
"""The steps by the names that a spec gives."""


@dataclass(frozen=True)
class Preparation:
    """The steps of one model, resolved: `length` is None only where no variant is to be surrounded."""

    window: SequenceWindow
    both_strands: bool
    splice: SpliceSites | None = None

    @property
    def left(self) -> int:
        """Bases before the first of REF."""
        return (self.window.length or 0) // 2

    @property
    def right(self) -> int:
        """Bases from the first of REF on."""
        return (self.window.length or 0) - self.left


def parse_steps(raw: object) -> Preparation:
    """A whole `prepare` list. Raises SpecError (`workers.prepare_list`)."""
    found: dict[str, Any] = dict(prepare_list.parse_steps(raw, STEPS))
    return Preparation(found.get("window", SequenceWindow()), "both_strands" in found, found.get("splice"))


def resolve(card: ModelCard, given: Sequence[Any] | None, has_variants: bool) -> tuple[Any, ...]:
    """The steps of a run for this model, those of the spec or its own, every setting written out.

    Raises SpecError where they do not fit the model or the input.
    """
    asked = parse_steps(card.prepare if given is None else given)
    if SPLICE_CONTEXT in card.settings:
        return _resolve_splice(card, asked, given, has_variants)
    if asked.splice is not None:
        raise SpecError("prepare: splice: the model gives no splice sites position by position; remove it")
    longest, is_protein = card.settings.get("longest"), card.settings["alphabet"] == "protein"
    if is_protein and has_variants:
        raise SpecError("the model is one of proteins, a VCF is about DNA: give it a table of sequences")
    if is_protein and asked.both_strands:
        raise SpecError("prepare: both_strands: a protein has no other strand; remove it")
    length = asked.window.length
    if not has_variants:
        if length is not None and given is not None:
            raise SpecError("prepare: window.length is for variants; whole sequences are not cut: remove it")
        return written(asked.window.model_copy(update={"length": None}), asked.both_strands)
    if length is None:
        length = longest
    if length is None:
        raise SpecError("prepare: window.length is missing, and the model does not say how many bases it takes")
    if longest is not None and length > longest:
        raise SpecError(f"prepare: window.length is {length}, the model takes at most {longest} bases")
    fixed = card.settings.get("fixed_length")
    if fixed is not None and length != fixed:
        raise SpecError(f"prepare: window.length is {length}, the model takes {fixed} bases exactly")
    return written(asked.window.model_copy(update={"length": length}), asked.both_strands)


def _resolve_splice(
    card: ModelCard, asked: Preparation, given: Sequence[Any] | None, has_variants: bool
) -> tuple[Any, ...]:
    """The window follows from the distance; what a spec does not say is as the model's author recommends it."""
    if not has_variants:
        raise SpecError("the model scores variants in their genes: give it a VCF and its reference")
    if asked.both_strands:
        raise SpecError("prepare: both_strands: a splice model reads the strand of the gene; remove it")
    own = parse_steps(card.prepare)
    splice = asked.splice or own.splice or SpliceSites()
    window = asked.window if given is None or _names(given, "window") else own.window
    length = card.settings[SPLICE_CONTEXT] + 2 * splice.distance + 1
    if window.length not in (None, length):
        raise SpecError(
            f"prepare: window.length is {window.length}, at a distance of {splice.distance} the model takes {length} "
            "bases: leave it out"
        )
    return written(window.model_copy(update={"length": length}), False, splice)


def _names(steps: Sequence[Any], name: str) -> bool:
    return any(step == name or (isinstance(step, Mapping) and name in step) for step in steps)


def settled(card: ModelCard, asked: Preparation) -> ModelCard:
    """The card that encoder and scorer get under these steps."""
    chosen = {} if asked.splice is None else asked.splice.model_dump()
    return replace(card, settings={**card.settings, **chosen, "both_strands": asked.both_strands})


def written(
    window: SequenceWindow, both_strands: bool, splice: SpliceSites | None = None
) -> tuple[dict[str, Any], ...]:
    """A `prepare` list with every setting written out."""
    steps: list[dict[str, Any]] = [{"window": window.model_dump(mode="json")}]
    if both_strands:
        steps.append({"both_strands": {}})
    if splice is not None:
        steps.append({"splice": splice.model_dump(mode="json")})
    return tuple(steps)
