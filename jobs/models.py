"""Find the models of a spec: fetch, check the digest, read the card. Loads no weights and imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.storage import StorageSettings, fetch_directory, parse
from jobs.registry import job_kind
from schemas.errors import SpecError
from schemas.outputs import OutputField
from schemas.run import ModelRecord
from schemas.spec import Spec
from workers.calibration.document import Calibration, calibrated_fields, read_calibration
from workers.collection import Collection, RemarksOnModels, StepsDecideOutputs
from workers.contract import ModelCard
from workers.models.detect import describe, refuse_unknown


@dataclass(frozen=True)
class ResolvedModel:
    """A model with its card, the prepare steps that this run uses for it, and how its scores are calibrated."""

    record: ModelRecord
    card: ModelCard
    prepare: tuple[Any, ...]
    calibration: Calibration | None = None

    @property
    def outputs(self) -> tuple[OutputField, ...]:
        """All of its columns: its own, then the calibrated ones."""
        return self.card.outputs + (() if self.calibration is None else calibrated_fields(self.calibration))


def resolve_models(spec: Spec, storage: StorageSettings, collection: Collection) -> dict[str, ResolvedModel]:
    """Every model of the spec, in its order. Raises SpecError or RefusedError naming what is wrong with which."""
    return {name: _resolve(spec, name, storage, collection) for name in spec.models}


def _resolve(spec: Spec, name: str, storage: StorageSettings, collection: Collection) -> ResolvedModel:
    ref, of = spec.models[name], job_kind(spec.job).name(spec.input)
    local = parse(ref.uri)
    try:
        if local.scheme == "file" and Path(local.path).is_dir():
            refuse_unknown(Path(local.path), of)
        fetched = fetch_directory(ref.uri, storage, expected_sha256=ref.sha256)
        with fetched.named(ref.uri):
            kind, card = describe(fetched.path, of)
    except SpecError as error:
        where = "" if ref.uri.rstrip("/") in str(error) else f" ({ref.uri})"
        raise SpecError(f"model {name!r}{where}: {error}") from None
    try:
        prepare = collection.prepare(card, spec.prepare)
        if isinstance(collection, StepsDecideOutputs):
            card = collection.with_steps(card, prepare)
        with fetched.named(ref.uri):
            calibration = read_calibration(fetched.path, card.outputs, fetched.files)
    except SpecError as error:
        raise SpecError(f"model {name!r}: {error}") from None
    record = ModelRecord(
        uri=ref.uri,
        sha256=fetched.digest,
        format=kind,
        files=dict(fetched.files),
        prepare_from="model" if spec.prepare is None else "spec",
        remarks=tuple(collection.remarks(card, prepare)) if isinstance(collection, RemarksOnModels) else (),
    )
    return ResolvedModel(record, card, prepare, calibration)


def outputs_of(models: Mapping[str, ResolvedModel]) -> dict[str, Any]:
    """The declared outputs by model."""
    return {name: model.outputs for name, model in models.items()}
