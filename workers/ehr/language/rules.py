"""Rule files: YAML beside this module, or of the same names in a model directory."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.yaml_text import load_yaml

Flag = Literal["negated", "uncertain", "historical", "family"]
FLAGS: tuple[Flag, ...] = ("negated", "uncertain", "historical", "family")

CONTEXT_FILE = "context.yaml"
SECTIONS_FILE = "sections.yaml"

_OWN = Path(__file__).parent / "data"
_LIMIT = 4 << 20
"""Bytes of a rule file."""


class TriggerGroup(Frozen):
    """Phrases of one flag and one direction; what the words mean stands at the head of `data/context.yaml`."""

    flag: Literal["negated", "uncertain", "historical", "family", "all"]
    direction: Literal["forward", "backward", "both", "pseudo", "stop", "stop_forward", "cancel"]
    phrases: tuple[str, ...]
    scope: int | None = Field(default=None, ge=1, description="words it reaches; without it to the end of the sentence")
    commas: Literal["over", "list", "end"] | None = Field(
        default=None, description="whether it reaches over commas: always, in a list with a conjunction, or never"
    )
    hides: tuple[Flag, ...] = Field(default=(), description="other flags whose phrases inside its own say nothing")
    unless_carried: bool = Field(default=False, description="of a stop: none where a trigger carries over to it")
    after_comma: bool = Field(default=False, description="of a cancel: only for a term that opens an item of a list")
    sense: str = Field(default="", description="for readers only")


class WordList(Frozen):
    """Words that phrases name together as `<list>`."""

    list: str = Field(pattern=r"^[a-z_]+$", description="its name")
    words: tuple[str, ...] = Field(min_length=1)


class SectionRule(Frozen):
    """A section: its name, the titles that open it, and a flag that holds for all it says."""

    name: str = Field(min_length=1)
    titles: tuple[str, ...]
    implies: Flag | None = None


@dataclass(frozen=True)
class Rules:
    """What is known of notes. `lists` are words by the name of their list, `digest` is the sha256 over both files."""

    triggers: tuple[TriggerGroup, ...]
    lists: Mapping[str, frozenset[str]]
    sections: tuple[SectionRule, ...]
    digest: str


def load_rules(directory: Path | None = None) -> Rules:
    """Our own rules, or in place of each file that of the same name in `directory`. Raises SpecError."""
    context, sections = (_read(_place(directory, name)) for name in (CONTEXT_FILE, SECTIONS_FILE))
    entries = _parse(context, _context_entry, CONTEXT_FILE)
    return Rules(
        tuple(entry for entry in entries if isinstance(entry, TriggerGroup)),
        {entry.list: frozenset(entry.words) for entry in entries if isinstance(entry, WordList)},
        tuple(_parse(sections, SectionRule.model_validate, SECTIONS_FILE)),
        hashlib.sha256(hashlib.sha256(context).digest() + hashlib.sha256(sections).digest()).hexdigest(),
    )


def _place(directory: Path | None, name: str) -> Path:
    return directory / name if directory is not None and (directory / name).is_file() else _OWN / name


def _read(path: Path) -> bytes:
    if path.stat().st_size > _LIMIT:
        raise SpecError(f"{path}: larger than {_LIMIT} bytes, which no rule file is")
    return path.read_bytes()


def _context_entry(entry: Any) -> TriggerGroup | WordList:
    return (WordList if isinstance(entry, dict) and "list" in entry else TriggerGroup).model_validate(entry)


def _parse(body: bytes, entry_of: Callable[[Any], Any], name: str) -> Sequence[Any]:
    try:
        raw = load_yaml(body.decode(), name, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except UnicodeDecodeError:
        raise SpecError(f"{name}: is not UTF-8 text: save it as UTF-8") from None
    if not isinstance(raw, list):
        raise SpecError(f"{name}: must be a list of rules, is a {type(raw).__name__}")
    rules = []
    for number, entry in enumerate(raw):
        try:
            rules.append(entry_of(entry))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise SpecError(f"{name}: rule {number}: {where}: {first['msg']}") from None
    return rules
