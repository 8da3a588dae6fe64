"""What a spec says of a network of transformers that is fine-tuned. Imports no torch."""

from pydantic import Field

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Delimiter
from workers.registry import PRETRAINED
from workers.training.job.settings import TrainKeys


class PretrainedSettings(Frozen):
    """`network.settings`: all that there is stands in `config.json` of `start`."""


class SpanTable(Frozen):
    """Labelled pieces of texts, one a row. A record without a row has none."""

    uri: Location = Field(description="a Parquet, CSV or TSV file, one row a span")
    record: str = Field(default="record_id", description="its column of record ids")
    start: str = Field(default="start", description="its column of first characters, from 0 on")
    end: str = Field(default="end", description="its column of the characters behind the last")
    label: str = Field(default="label", description="its column of labels, each one of the output's `classes`")
    delimiter: Delimiter | None = Field(
        default=None, description="of CSV; default: a tab for .tsv, a comma for all else"
    )


def check_pretrained(source: TrainKeys) -> None:
    """Raises ValueError where a network of transformers lacks what it begins from, or the rate that it needs, and for
    several: a directory has one."""
    if source.network.name != PRETRAINED:
        return
    if source.start is None:
        raise ValueError(f"network.name is {PRETRAINED}, which begins from a Hugging Face directory: say `start`")
    if source.is_of_several:
        raise ValueError(f"seeds: a directory of {PRETRAINED} has one network: give one seed, and no folds")
    if "learning_rate" not in source.fit.model_fields_set:
        raise ValueError(
            "fit.learning_rate: say it: the default is for fresh networks, and one that was trained before is "
            "fine-tuned with about 2.0e-5"
        )
