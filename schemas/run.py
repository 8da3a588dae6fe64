"""What a run directory says of itself: `run.json`, created once, and `manifest.json`, created last."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from schemas.errors import UsageError, VerificationError
from schemas.figures import Figures
from schemas.pace import Pace
from schemas.plan import PlanInfo
from schemas.rows import OutputColumn
from schemas.sealed_json import FIELD, is_intact, sealed
from schemas.spec import Spec

FORMAT_VERSION = 1
RESULTS_VERSION = 2
"""Raised when our own change alters results: an older run is then another run."""

RUN_KEY = "run.json"
MANIFEST_KEY = "manifest.json"
REPORT_KEY = "report.html"
TUNING_DIR = "tuning/"
"""Where batch sizes lie that were measured. They decide nothing, and a worker may write one behind the manifest."""

BY_MODEL = "records by model"
"""Title of the manifest's table of statuses in each of several models."""

PASSED_OVER = "passed_over"
"""What of the input is no record, by reason: in a run file beside when it was listed, and a table of the manifest."""

SIDE_KEY = "wardround.side"
"""Parquet metadata of a shard object: JSON list of the side objects that it vouches for."""

StageKind = Literal["records", "shards", "long"]
"""Whether a stage's records are scored one by one, or a shard at a time; `long`: such a shard may take days,
and only has to get on."""

D = TypeVar("D", bound="Document")


class Document(BaseModel):
    """A JSON object of a run directory. Not `extra=forbid`: a newer minor version may say more."""

    model_config = ConfigDict(frozen=True)

    format_version: int = FORMAT_VERSION
    fingerprint: str
    attempt: str
    seal: str | None = None
    """sha256 of the text without it (`schemas.sealed_json`), as it was read; None in what older versions wrote."""

    def encode(self) -> bytes:
        """The JSON text, indented for people, and sealed."""
        return sealed(self.model_dump(mode="json"))

    @classmethod
    def decode(cls: type[D], body: bytes, name: str) -> D:
        """Raises VerificationError if the text is not one, of another format version, or not as it was written."""
        try:
            raw = json.loads(body)
            version = raw.get("format_version")
            if version != FORMAT_VERSION:
                raise VerificationError(
                    f"{name} has format version {version} and this wardround reads {FORMAT_VERSION}: "
                    "use the version that wrote it"
                )
            if raw.get(FIELD) is not None and not is_intact(body):
                raise ValueError
            try:
                return cls.model_validate(raw)
            except ValidationError:
                if (maker := _maker(raw)) is None:
                    raise
                raise VerificationError(
                    f"{name} was written by {maker}, and this wardround does not understand it: "
                    "use the version that wrote it"
                ) from None
        except (ValueError, AttributeError, RecursionError, ValidationError):
            remedy = (
                "move it away and run the same command again: it is made anew from the shards"
                if name == MANIFEST_KEY
                else "restore it, or choose another output.uri"
            )
            raise VerificationError(f"{name} is damaged: it is not the JSON that a run wrote; {remedy}") from None


def _maker(raw: Mapping[str, Any]) -> str | None:
    """The version that a run file names as its own."""
    try:
        version, results = raw["recorded"]["versions"]["wardround"], raw["parts"]["results_version"]
    except (KeyError, TypeError):
        return None
    return f"wardround {version} with results version {results}"


def _kind(value: object) -> object:
    """Results version 1 had another word for it."""
    return "shards" if value == "tables" else value


class ModelRecord(BaseModel):
    """A model as it was used: where it lay, its digest, its files."""

    model_config = ConfigDict(frozen=True)

    uri: str
    sha256: str
    format: str
    files: Mapping[str, str] = Field(default_factory=dict)
    prepare_from: str = "model"
    """`model` directory or `spec`."""
    remarks: tuple[str, ...] = ()
    """What a person should know of it, in sentences."""


class Signpost(BaseModel):
    """Files of a run, beside its rows, that a reader should know of.

    `files` is a pattern relative to the run directory, `title` a word or two for tables, `meaning` the beginning of a
    sentence that ends with the place.
    """

    model_config = ConfigDict(frozen=True)

    title: str
    meaning: str
    files: str


class RunFile(Document):
    """One stage's plan and all that decides its rows. Its creation is the commit of the plan."""

    run_id: str
    name: str
    stage: str
    kind: Annotated[StageKind, BeforeValidator(_kind)] = "records"
    ignores: tuple[str, ...] = ()
    """Settings of the input that decide none of its rows: a later stage may have been planned with others."""
    processes: int = 1
    """How many work on one shard of it together; recorded, since the input says so too."""
    sample: int | None = None
    """Records that tell whether a spec is wrong, where `limits.sample` does not say how many."""
    rows_dir: str
    created: str
    plan: PlanInfo
    parts: Mapping[str, Any]
    """What the fingerprint is made of, to print what changed."""
    spec: Spec
    prepare: Mapping[str, tuple[Any, ...]] = Field(default_factory=dict)
    models: Mapping[str, ModelRecord] = Field(default_factory=dict)
    carry: tuple[str, ...] = ()
    """Carried columns of the plan, then of the records' own headers."""
    header_carry: tuple[str, ...] = ()
    header_types: Mapping[str, str] = Field(default_factory=dict)
    """Types of the columns in `header_carry` that are not text."""
    columns: tuple[OutputColumn, ...] = ()
    signposts: tuple[Signpost, ...] = ()
    earlier: Mapping[str, str] | None = None
    """The stages before this one in their order, by name, with their fingerprints; None where an older version wrote
    it, which did not say."""
    recorded: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def passed_over(self) -> Mapping[str, int]:
        """What of the input is no record, by reason."""
        found: Mapping[str, int] = self.recorded.get("listed", {}).get(PASSED_OVER, {})
        return found

    @property
    def made_by(self) -> str:
        """The version of wardround that planned it, for messages."""
        return _maker({"recorded": self.recorded, "parts": self.parts}) or "a wardround of an unknown version"

    def status_column(self, model: str | None = None) -> str:
        """The column that says what became of a record; in one model, where it is named.

        Raises UsageError for a model that the run does not have.
        """
        if model is None:
            return "status"
        if model not in self.models:
            raise UsageError(f"the run has no model {model!r}; it has {', '.join(self.models) or 'none'}")
        own = (column.name for column in self.columns if column.model == model and not column.output)
        return next(own, "status")

    @property
    def has_verdicts(self) -> bool:
        """Whether each of several models has a status of its own."""
        return any(not column.output for column in self.columns)


class FileRecord(BaseModel):
    """One object of the run directory. Of shard objects only: `rows`, `statuses`, `models`, the statuses in each of
    several models, `side`, the number of side objects that it vouches for, and `totals`, sum and number of the values
    of columns that have a total."""

    model_config = ConfigDict(frozen=True)

    key: str
    bytes: int
    sha256: str
    rows: int | None = None
    statuses: Mapping[str, int] | None = None
    models: Mapping[str, Mapping[str, int]] | None = None
    side: int | None = None
    totals: Mapping[str, tuple[float, int]] | None = None


class Manifest(Document):
    """Every file of a complete, checked run. Written last: its existence means complete."""

    run_id: str
    name: str
    records: int
    statuses: Mapping[str, int]
    totals: Mapping[str, float] = Field(default_factory=dict)
    """By column: the mean or the sum that it declares, over all rows that have a value."""
    tables: Mapping[str, tuple[Mapping[str, Any], ...]] = Field(default_factory=dict)
    """By title: rows of counts, as a stage declares them."""
    figures: Figures | None = None
    """What the rows come to: scores by interval, statuses by what was carried. No value is named that few have."""
    files: tuple[FileRecord, ...]
    signposts: tuple[Signpost, ...] = ()
    """Where else to look: the signposts of every stage."""
    started: str
    finished: str
    seconds: Mapping[str, float] = Field(default_factory=dict)
    busy: float | None = None
    counts: Mapping[str, int] = Field(default_factory=dict)
    """By name: what the workers of the last command counted beside records, such as windows of volumes."""
    pace: Pace | None = None
    """Records of the last stage by the time of their commit, as the storage dates it."""


def stage_directory(name: str) -> str:
    """Where an earlier stage lies, relative to the run directory, in which the last one lies."""
    return f"stages/{name}/"


def shard_key(rows_dir: str, shard: int) -> str:
    """Key of a shard's object, relative to its stage's directory."""
    return f"{rows_dir}/shard-{shard:06d}.parquet"


def shard_of(key: str, rows_dir: str) -> int | None:
    """The shard that a key names, or None if it is no shard object."""
    name = key.removeprefix(f"{rows_dir}/")
    if not (name.startswith("shard-") and name.endswith(".parquet") and "/" not in name):
        return None
    digits = name[len("shard-") : -len(".parquet")]
    return int(digits) if digits.isdecimal() and shard_key(rows_dir, int(digits)) == key else None
