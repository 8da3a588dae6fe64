"""Open the reading side of collection `images` in a worker, for each of its stages."""

import importlib
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol, cast

from schemas.errors import SpecError
from workers.children.child_pool import ChildPool
from workers.children.contract import DecodePool
from workers.children.inline_pool import InlinePool
from workers.images.contract import ImageFormat
from workers.images.decoding.sniff import sniff
from workers.images.fetching import ObjectFetcher, fetcher_of
from workers.images.prepare.plan import split
from workers.images.reader import ImageReader
from workers.images.scoring import ImageScoring
from workers.images.settings import ONLY_REFUSE, ImagesInput
from workers.images.steps import parse_steps
from workers.images.value_contract import ValueContract, expected_range
from workers.models.detect import Formats
from workers.models.device_memory import room_on
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import RecordStage, ShardStage
from workers.pipeline.models import device_kind, known_tuning
from workers.pipeline.opened import RunModels, load_scorer
from workers.pipeline.runner import ModelRunner
from workers.pipeline.scoring import ArrayScoring
from workers.pipeline.tuning import Tuner

_FIXED_BATCH = 16
"""The batch under `numerics: deterministic`, where no measurement may choose."""


def prepare_lists(prepare: dict[str, tuple[Any, ...]]) -> tuple[list[list[Any]], dict[str, int]]:
    """The distinct lists of steps before the device, and which of them each model takes."""
    lists: list[list[Any]] = []
    taken: dict[str, int] = {}
    for name, steps in prepare.items():
        host, _ = split(parse_steps(list(steps)))
        on_host = list(steps)[: len(host)]
        if on_host not in lists:
            lists.append(on_host)
        taken[name] = lists.index(on_host)
    return lists, taken


def load_scoring(context: StageContext) -> ImageScoring:
    """Every model of the run, loaded to this worker's device."""
    models = RunModels(context, Formats[ImageFormat]("images"))
    known = known_tuning(context, device_kind(models.device))
    runners, contracts = {}, {}
    for name in models.names:
        steps = parse_steps(list(context.run.prepare[name]))
        _, affine = split(steps)
        contracts[name] = ValueContract(expected_range(models[name].card, steps), affine)
        model = load_scorer(models, name, affine)
        tuner = Tuner(model, models.device, fixed=_fixed(context), known=known.get(name))
        runners[name] = ModelRunner(model, tuner, room_on(models.device))
    _, taken = prepare_lists(dict(context.run.prepare))
    return ImageScoring(runners, taken, contracts, models.device)


def _fixed(context: StageContext) -> int | None:
    if context.run.spec.numerics == "deterministic":
        return context.run.spec.compute.batch or _FIXED_BATCH
    return context.compute.batch


_FETCHES = 16
_IN_THREADS = frozenset({"png", "npy", "bmp"})
"""Formats whose decoders release the GIL, and whose work is bounded by their pixels."""
_USUAL_SCANS = 32
"""A progressive JPEG has about ten; each goes over the whole image, and a file of a megabyte may have 100,000."""
_SCAN = b"\xff\xda"


def predict(context: StageContext) -> RecordStage:
    """Read, decode and prepare for the run's models."""
    source = _source(context)
    if source.has_volumes:
        return _volumes().predict(context, source)
    lists, _ = prepare_lists(dict(context.run.prepare))
    return RecordStage(open_reader(context, source, lists), partial(load_scoring, context))


def open_reader(context: StageContext, source: ImagesInput, lists: list[list[Any]]) -> ImageReader:
    """What reads the images of a stage and prepares them by each of these lists."""
    settings = {"input": _from_header(source, context).model_dump(mode="json"), "prepare": lists}
    decoders = decoders_of(context)
    return ImageReader(
        fetcher_of(source, context.storage, _FETCHES),
        Pools(context, "workers.images.handler:build", settings, decoders),
        context.budget,
        len(lists),
        by_frame=source.bytes_column is None,
        depth=decoders + 1,
    )


def headers(context: StageContext) -> RecordStage:
    """Count the frames of every object, or read of which volume they are."""
    source = _source(context)
    return _volumes().headers(context, source) if source.has_volumes else count_frames(context, source)


def volumes(context: StageContext) -> ShardStage:
    """Put slices together to volumes."""
    return _volumes().volumes(context, _source(context))


class _VolumeStages(Protocol):
    """`workers.images.volumes.stages`."""

    def headers(self, context: StageContext, source: ImagesInput) -> RecordStage: ...
    def volumes(self, context: StageContext, source: ImagesInput) -> ShardStage: ...
    def predict(self, context: StageContext, source: ImagesInput) -> RecordStage: ...


def _volumes() -> _VolumeStages:
    """Imported where it is needed: single images need none of what it imports."""
    return cast(_VolumeStages, importlib.import_module("workers.images.volumes.stages"))


def count_frames(context: StageContext, source: ImagesInput) -> RecordStage:
    """The same of an input that is given."""
    fetcher = fetcher_of(source, context.storage, _FETCHES)
    if not isinstance(fetcher, ObjectFetcher):
        raise SpecError("input.record: frame needs objects, not images in a column of Parquet files")
    # pydicom takes half a second to import, which the other stage need not pay.
    from workers.images.header_reader import HeaderReader  # noqa: PLC0415

    return RecordStage(HeaderReader(fetcher, source, _FETCHES), lambda: ArrayScoring({}, {}))


def _source(context: StageContext) -> ImagesInput:
    return ImagesInput.model_validate(context.tightened(ONLY_REFUSE))


def _from_header(source: ImagesInput, context: StageContext) -> ImagesInput:
    """The collection's settings with only those names left that a record's own header has to give."""
    subject = context.run.parts["subject_from"]
    return source.model_copy(update={"carry": context.run.header_carry, "subject_id": subject})


def decoders_of(context: StageContext) -> int:
    """How many objects are decoded at a time."""
    return context.compute.decoders or max(1, int(context.cpus))


class Pools:
    """Where an object is decoded, unless the spec says: what releases the GIL and ends soon in threads, all else in
    child processes, which can be killed."""

    def __init__(self, context: StageContext, entry: str, settings: Mapping[str, Any], decoders: int) -> None:
        self._mode = context.compute.decode
        limit = context.limits.record_timeout
        self._make_children = partial(ChildPool, entry, settings, decoders, record_timeout_s=limit)
        self._make_threads = partial(InlinePool, entry, settings, decoders, record_timeout_s=limit)
        self._children: ChildPool | None = None
        self._threads: InlinePool | None = None
        self._lock = threading.Lock()

    def __call__(self, data: bytes | memoryview) -> DecodePool:
        """The pool for this object."""
        threads = self._mode == "threads" or (self._mode == "auto" and _is_bounded(data))
        with self._lock:
            if threads:
                self._threads = self._threads or self._make_threads()
                return self._threads
            self._children = self._children or self._make_children()
            return self._children

    def close(self) -> None:
        """Stop both."""
        for pool in (self._children, self._threads):
            if pool is not None:
                pool.close()


def _is_bounded(data: bytes | memoryview) -> bool:
    kind = sniff(data)
    return kind in _IN_THREADS or (kind == "jpeg" and bytes(data).count(_SCAN) <= _USUAL_SCANS)
