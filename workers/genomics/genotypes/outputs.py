"""Which columns a directory of scores writes under its prepare steps."""

from dataclasses import replace

from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.genomics.genotypes.steps import Adjust, Steps

PANEL = "panel"

ADJUSTED = "adjusted"
"""Setting of a card: for each score that is adjusted its columns, by what they hold."""

LOW_OVERLAP = "low_overlap"
ALLELE_CT = "allele_ct"
DENOM = "denom"
NAMED_DOSAGE = "named_dosage"
_COUNTS = (
    (ALLELE_CT, "list<int32>", "alleles that were called"),
    (DENOM, "list<int32>", "alleles that were called or filled in, by which an average divides"),
    (NAMED_DOSAGE, "list<float64>", "copies of effect alleles that were called"),
)


def average_name(score: str) -> str:
    """The column of a score's average."""
    return f"{score}_avg"


def adjusted_names(score: str, adjust: Adjust | None) -> dict[str, str]:
    """Columns by what they hold: `z`, `z_norm1`, `z_norm2`."""
    kinds: list[str] = []
    if adjust is not None:
        kinds += ["z"] if adjust.z else []
        kinds += ["z_norm1", "z_norm2"] if adjust.components is not None else []
    return {kind: f"{score}_{kind}" for kind in kinds}


def with_columns(card: ModelCard, steps: Steps) -> ModelCard:
    """The card of a directory of scores with all columns that the steps ask for: sums first, in the directory's order.

    Sums and what comes of them are null for a score whose overlap is too low, and `low_overlap` names it.
    """
    sums = tuple(field for field in card.outputs if field.name in set(card.settings["scores"]))
    more: list[OutputField] = []
    if steps.columns.average:
        more += [_float(average_name(field.name), f"average of {field.name} over its alleles") for field in sums]
    meanings = {
        "z": "deviations above the cohort's mean: {}",
        "z_norm1": "deviations above what its components expect: {}",
        "z_norm2": "the same, by the deviation that its components expect: {}",
    }
    for field in sums:
        for kind, name in adjusted_names(field.name, steps.adjust).items():
            more.append(_float(name, meanings[kind].format(field.name)))
    more.append(
        OutputField(
            name=LOW_OVERLAP,
            type="list<string>",
            meaning="scores that are null: too few of their variants are here, or none was called in the sample",
        )
    )
    if steps.columns.counts:
        of_each = "; one number for all scores with the same variants and alleles, in the order of their first score"
        more += [OutputField(name=name, type=kind, meaning=meaning + of_each) for name, kind, meaning in _COUNTS]
    adjusted = {field.name: adjusted_names(field.name, steps.adjust) for field in sums if steps.adjust is not None}
    return replace(card, outputs=(*sums, *more), settings={**card.settings, ADJUSTED: adjusted})


def _float(name: str, meaning: str) -> OutputField:
    return OutputField(name=name, type="float64", meaning=meaning)
