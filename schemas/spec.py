"""The envelope of a spec: what every job has. The insides of `input` and `prepare` are checked by their owners."""

from __future__ import annotations

import os
import re
import select
import stat
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.loading import validate
from schemas.location import Location
from schemas.units import Bytes, Seconds, Share
from schemas.yaml_text import MOST_BYTES, load_yaml

_PATIENCE_S = 5.0
"""Seconds in which whoever writes a spec into a pipe must begin."""

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")


class Settings(Frozen):
    """Base of all settings: frozen, and an unknown key is an error."""


def is_shown(text: str) -> bool:
    """Whether a line can show all of it: no line breaks, no control characters, nothing that is no text."""
    return not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text)


def _can_be_shown(value: str) -> str:
    if not is_shown(value):
        raise ValueError("has characters that cannot be shown, such as a line break or NUL: leave them out")
    return value


class ModelRef(Settings):
    """Where a model directory lies. `sha256` is checked when given and recorded always."""

    uri: Location = Field(description="where the model directory lies: a path or s3://bucket/prefix")
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="digest that the directory must have, as wardround plan prints it; recorded always",
    )


class OutputSpec(Settings):
    """Where the run directory lies.

    `single_committer` serves a store without conditional writes: objects are looked for, then written. Two drivers on
    one run are then no longer safe, no shard gets a hedged copy (`compute.hedge`), and a worker that was given up and
    writes after all overwrites what came in its place: `verify` finds that, nothing prevents it.
    """

    uri: Annotated[Location, AfterValidator(_can_be_shown)] = Field(
        description="where the run directory lies: a path or s3://bucket/prefix"
    )
    single_committer: bool = Field(
        default=False,
        description="serve a store without conditional writes, with one driver and one worker a shard at a time",
    )


class Limits(Settings):
    """When to give up. `max_rejects` is the share of records with a status other than `ok` (100 %: never)."""

    max_rejects: Share = Field(
        default=1.0,
        ge=0,
        le=1,
        description="share of records with another status than ok, as 5% or 0.05, of all or of one model; more ends "
        "the run with exit code 6",
    )
    sample: int | None = Field(
        default=None,
        ge=0,
        description="records scored before the first commit to check max_rejects; default: 64, of volumes 8; 0: none",
    )
    record_timeout: Seconds = Field(
        default=120.0, gt=0, description="time for one record, such as 90s or 5m; it becomes timed_out"
    )
    shard_deadline: Seconds = Field(
        default=3600.0, gt=0, description="time for a shard, after which it is tried again, record by record"
    )
    checkpoint_every: Seconds = Field(
        default=60.0, ge=0, description="time between two states of a training that are kept to go on from"
    )
    fit_time: Seconds | None = Field(
        default=None,
        gt=0,
        description="time for each fit of a training, after which the best so far is taken, once an epoch is done",
    )
    restarts: int = Field(
        default=20,
        ge=0,
        le=10_000,
        description="how often in one command a fit of a training goes on from its newest state after its worker died",
    )
    forbidden: Literal["stop", "row"] = Field(
        default="stop",
        description="an object of the input that these credentials may not read (403, no right on a disk): the run "
        "stops with exit 4, or the object's records get the status forbidden",
    )
    outages: int = Field(
        default=8,
        ge=1,
        le=1000,
        description="failures of storage or cluster in a row, no shard done between, that are waited out; then exit 4",
    )


class WorkerCount(Settings):
    """How many workers: at least `min` must start, up to `max` while there is work."""

    min: int = Field(default=1, ge=1, le=100_000, description="workers that must start")
    max: int = Field(default=1, ge=1, le=100_000, description="workers while there is work for them")

    @model_validator(mode="after")
    def _ordered(self) -> WorkerCount:
        if self.max < self.min:
            raise ValueError(f"max ({self.max}) is smaller than min ({self.min})")
        return self


def _count_as_range(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return {"min": value, "max": value}
    if isinstance(value, Mapping) and "min" in value and "max" not in value:
        return {**value, "max": value["min"]}
    if isinstance(value, str | float | list):
        raise ValueError("must be a whole number, or {min: 2, max: 8}")
    return value


class Compute(Settings):
    """What it runs on. None of it changes a result, `shard_records` apart: it is part of the plan."""

    pool: Literal["ray", "serial"] = Field(
        default="ray", description="ray: workers on this machine or a cluster; serial: all in this process"
    )
    address: str | None = Field(
        default=None, min_length=1, description="host:port of a Ray cluster; by default one is started on this machine"
    )
    shared_paths: bool = Field(
        default=False,
        description="on a cluster: paths of the spec lead to the same mount on this machine and all nodes",
    )
    workers: Annotated[WorkerCount, BeforeValidator(_count_as_range, json_schema_input_type=int | WorkerCount)] = Field(
        default=WorkerCount(), description="how many workers: a number, or {min: ..., max: ...}"
    )
    gpus_per_worker: float = Field(default=0.0, ge=0, le=1024, description="GPUs, or a part of one, for each worker")
    cpus_per_worker: float = Field(default=1.0, gt=0, le=65_536, description="processors for each worker")
    memory_per_worker: Bytes | None = Field(
        default=None, gt=0, description="memory that Ray sets aside for each worker, such as 24GiB"
    )
    shard_records: int = Field(
        default=2048,
        ge=1,
        le=1_000_000,
        description="records of a shard, the unit of work and of commit; part of the plan",
    )
    prefetch_bytes: Bytes = Field(
        default=512 * 2**20, gt=0, description="bytes that a worker reads ahead of the device, such as 512MiB"
    )
    decode: Literal["auto", "threads", "processes"] = Field(
        default="auto", description="whether records are decoded in threads or in child processes, which may crash"
    )
    decoders: int | None = Field(
        default=None, ge=1, le=256, description="threads or children that decode; by default as many as processors"
    )
    start_timeout: Seconds = Field(default=300.0, gt=0, description="time in which workers must start, such as 5m")
    hedge: bool = Field(default=True, description="let idle workers try the last shards too; the first to commit wins")
    batch: int | None = Field(default=None, ge=1, le=1_000_000, description="instead of the measured batch size")


class StorageSpec(Settings):
    """Only where the environment's usual chain is not enough. Never secrets."""

    endpoint_url: str | None = Field(
        default=None, description="http(s) address of an S3 store; by default that of the environment"
    )

    @field_validator("endpoint_url")
    @classmethod
    def _has_scheme(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"^https?://[^/]", value):
            raise ValueError(f"{value!r} does not say how to speak to it: write http://... or https://...")
        return value

    region: str | None = Field(default=None, description="of the S3 store; by default that of the environment")
    attempts: int | None = Field(default=None, ge=1, le=50, description="of a request, before its failure counts")
    backoff: Seconds | None = Field(
        default=None, ge=0, description="seconds before the second attempt; doubled before each that follows"
    )
    read_timeout: Seconds | None = Field(
        default=None, gt=0, description="seconds without a byte of an answer before it is asked for again"
    )
    requests: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="questions to a DICOMweb service that a worker has in hand at a time (4)",
    )
    page: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="entries of a list that a DICOMweb service is asked for at once (500)",
    )


class Thumbnails(Settings):
    """Pictures of a few records in the report: record content, which nothing else of a report shows."""

    of: str = Field(min_length=1, description="column of numbers, or of true and false: the highest are shown")
    most: int = Field(default=12, ge=1, le=100, description="how many pictures")


class ReportSpec(Settings):
    """What the report shows that it would not by itself. Changes no row."""

    thumbnails: Thumbnails | None = Field(
        default=None, description="small pictures of the records with the highest values of a column; of images only"
    )


class Spec(Settings):
    """What to read, how to prepare it, which models, where to write, on what hardware."""

    job: str = Field(
        description="what is done: predict (score with models), train (fit one), evaluate (hold scores against "
        "what was true) or convert (make a dataset)"
    )
    name: Annotated[str, AfterValidator(_can_be_shown)] = Field(
        min_length=1, max_length=200, description="what people call this run"
    )
    input: Mapping[str, Any] = Field(description="what to read; its keys are those of the collection or of the format")
    models: Mapping[str, ModelRef] = Field(
        default_factory=dict, description="the models by name; with several, columns bear it: <model>__<output>"
    )
    prepare: tuple[Any, ...] | None = Field(
        default=None, description="steps before the models, in order, instead of those in the model directory"
    )
    output: OutputSpec = Field(description="where to write")
    limits: Limits = Field(default=Limits(), description="when to give up")
    report: ReportSpec = Field(default=ReportSpec(), description="what report.html shows beyond counts and figures")
    numerics: Literal["float32", "deterministic"] = Field(
        default="float32", description="deterministic fixes batches and threads: equal bits on equal hardware"
    )
    compute: Compute = Field(default=Compute(), description="what it runs on")
    storage: StorageSpec = Field(
        default=StorageSpec(), description="where the store is, if the environment does not say it; never secrets"
    )

    @model_validator(mode="after")
    def _model_names(self) -> Spec:
        for name in self.models:
            if not _NAME.match(name):
                raise ValueError(f"model name {name!r} must be letters, digits and _, since columns are named after it")
        return self


def load_spec(path: Path) -> Spec:
    """Read and check a spec file. Raises SpecError with what to fix."""
    try:
        # No more than a spec may have: a path such as /dev/zero never ends.
        with open(path, "rb", opener=_at_once) as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SpecError(f"cannot read the spec {str(path)!r}: {error.strerror}") from None
    return parse_spec(spec_text(data, repr(str(path))), str(path))


def _at_once(name: str, flags: int) -> int:
    """The file, open. A named pipe without a writer would be waited for without end; `<(...)` of a shell is a pipe."""
    number = os.open(name, flags | os.O_NONBLOCK)
    if stat.S_ISFIFO(os.fstat(number).st_mode) and not select.select([number], [], [], _PATIENCE_S)[0]:
        os.close(number)
        raise SpecError(f"cannot read the spec {name!r}: it is a pipe into which nobody writes: name a file")
    os.set_blocking(number, True)
    return number


def spec_text(data: bytes, where: str) -> str:
    """The text of a spec from its bytes, or from the first `MOST_BYTES + 1` of them. Raises SpecError."""
    if len(data) > MOST_BYTES:
        raise SpecError(f"the spec {where} is larger than {MOST_BYTES >> 20} MiB, which nobody writes: shorten it")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise SpecError(f"the spec {where} is not UTF-8 text: save it as UTF-8") from None


def parse_spec(text: str, where: str = "spec") -> Spec:
    """Check the text of a spec. Raises SpecError with what to fix."""
    return validate(Spec, load_yaml(text, where), where)
