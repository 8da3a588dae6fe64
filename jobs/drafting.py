"""Write a first spec for an input: what has to be said is said, what may be said stands in comments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from cluster.storage import StorageSettings
from jobs.registry import job_kind, kinds
from schemas.errors import SpecError, UsageError
from workers.drafts import Draft, Drafter
from workers.lookup import Room

ASK = "FILL-THIS-IN"
_WIDE = 1 << 20


@dataclass(frozen=True)
class Asked:
    """What a person said: what to read (a collection, or a format to convert), where, the models by name, where to
    write, and keys of `input:`."""

    kind: str
    uri: str
    models: Mapping[str, str]
    output: str
    given: Mapping[str, Any]
    labels: str = ""


def drafts() -> dict[str, tuple[str, str, Room]]:
    """All that a spec can be written for, by name: the kind of job, the key of `input:` that names what is read, and
    the room. A collection that several jobs read is predict's by its own name; a training's is `train-images`."""
    found: dict[str, tuple[str, str, Room]] = {}
    for job in kinds():
        kind = job_kind(job)
        if kind.key is None:
            found[job] = (job, "", Room(next(iter(kind.rooms().values()))))
        else:
            named = {f"{job}-{name}" if name in found else name: place for name, place in kind.rooms().items()}
            found |= {name: (job, kind.key, Room(place)) for name, place in named.items()}
    return found


def write_spec(asked: Asked, storage: StorageSettings) -> str:
    """The text of the spec. Raises SpecError where the input cannot be looked at, UsageError for what it lacks."""
    job, key, room = drafts()[asked.kind]
    if job_kind(job).has_models and not asked.models:
        raise UsageError(f"a {job} job needs a model: give --model DIRECTORY")
    if not job_kind(job).has_models and asked.models:
        raise UsageError(f"a {job} job has no models: leave out --model")
    if asked.labels and "labels" not in room.get("settings", "INPUT").model_fields:
        raise UsageError(f"a {job} job has no labels: leave out --labels")
    return "\n".join(_lines(asked, job, key, room.get("settings", "INPUT"), _found(asked, job, room, storage))) + "\n"


def _found(asked: Asked, job: str, room: Room, storage: StorageSettings) -> Draft:
    """What a first look at the input tells, and in a training at the labels."""
    if not job_kind(job).fits:
        look: Drafter | None = room.find("draft", "draft")
        given = {**asked.given, **({"labels": {"uri": asked.labels}} if asked.labels else {})}
        return look(asked.uri, storage, given) if look else Draft()
    # Tables of labels are read by packages that a driver needs for nothing else.
    from workers.training.job.draft import draft_of_training  # noqa: PLC0415

    collection = asked.kind.removeprefix(f"{job}-")
    of_input: Drafter | None = drafts()[collection][2].find("draft", "draft") if collection in drafts() else None
    read = of_input(asked.uri, storage, asked.given) if of_input else Draft()
    learned = draft_of_training(collection, asked.labels, storage)
    return Draft({**read.keys, **learned.keys}, read.columns, (*read.remarks, *learned.remarks))


def _lines(asked: Asked, job: str, key: str, settings: type[BaseModel], found: Draft) -> Iterator[str]:
    yield f"# Made by wardround init {asked.kind}. Every key is explained in docs/settings.md; try it with"
    yield "#   wardround doctor THIS-FILE      and    wardround plan THIS-FILE --sample 100"
    yield f"job: {job}"
    yield f"name: {_plain(asked.kind + '-' + _name(asked.uri))}"
    yield "input:"
    yield from (f"  # {remark}" for remark in found.remarks)
    if found.columns:
        yield f"  # columns: {', '.join(found.columns)}"
    said = {"uri": asked.uri, **found.keys, **asked.given}
    if key:
        said = {key: asked.kind.removeprefix(f"{job}-"), **said}
    _refuse_unknown(settings, asked.given)
    for name, field in settings.model_fields.items():
        yield from _key(name, field, said)
    if asked.models:
        yield "models:"
        yield from (f"  {name}: {{uri: {_plain(uri)}}}" for name, uri in asked.models.items())
    yield f"output: {{uri: {_plain(asked.output)}}}"
    yield "# limits: {max_rejects: 5%}            # a wrong spec then fails in a minute"
    yield "compute: {workers: 1, cpus_per_worker: 1}   # pool: serial does without Ray; gpus_per_worker: 1 takes a GPU"


def _key(name: str, field: FieldInfo, said: Mapping[str, Any]) -> Iterator[str]:
    meaning = field.description or ""
    if name in said:
        yield f"  {name}: {_plain(said[name])}"
    elif field.is_required():
        yield f"  {name}: {ASK}                 # {meaning}"
    else:
        yield f"  # {name}: {_plain(_default(field))}".rstrip() + f"   # {meaning}"


def _default(field: FieldInfo) -> Any:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or value is None:
        return ""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True)
    return list(value) if isinstance(value, tuple) else value


def _refuse_unknown(settings: type[BaseModel], given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in settings.model_fields:
            known: Sequence[str] = list(settings.model_fields)
            raise UsageError(f"--set {name}: there is no such key of input; there are {', '.join(known)}")


def _name(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2].partition(".")[0] or "input"


def _plain(value: Any) -> str:
    """A value on one line of YAML; nothing for nothing."""
    if value == "":
        return ""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=_WIDE, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def parse_given(words: Sequence[str]) -> dict[str, Any]:
    """`key=value` each, the value as YAML has it. Raises UsageError."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {word!r}: write it as key=value, such as --set build=GRCh38")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise SpecError(f"--set {name}: its value is no YAML: put it in quotes") from None
    return found
