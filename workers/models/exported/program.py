"""The graph of an exported program (torch/_export/serde/schema.py, version 8), checked to the last argument.

What is not known is refused: a kind of argument, an operator, an input that is no tensor, a change to what is kept.
Shapes of what is computed on the way are not read, so that no expression has to be; guards neither. Imports no torch.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from schemas.errors import SecurityError, SpecError
from workers.models.exported.allowed import is_allowed

MAJOR = 8
FLOAT32 = 7
_MOST_NODES = 200_000
_KEYWORD = 2
_SYMBOL = re.compile(
    r"(?:Symbol\('([A-Za-z]\w{0,31})'(?:, (?:positive|integer|nonnegative)=True)*\)|([A-Za-z]\w{0,31}))"
)
_IN_TRAINING = {"train", "training"}
_PLAIN: Mapping[str, type | tuple[type, ...]] = {
    "as_bool": bool,
    "as_int": int,
    "as_float": (int, float),
    "as_string": str,
    "as_scalar_type": int,
    "as_memory_format": int,
}
_LISTS: Mapping[str, str] = {"as_ints": "as_int", "as_floats": "as_float", "as_bools": "as_bool"}

Range = tuple[int, int | None]
"""The smallest and the largest size of an axis; None has no end."""


@dataclass(frozen=True)
class Name:
    """A value of the program."""

    name: str


@dataclass(frozen=True)
class Number:
    """A number that stands for a type (`dtype`) or an order in memory (`memory_format`)."""

    kind: str
    value: int


Value = Any
"""None, a bool, int, float or str, a Name, a Number, or a list of them."""


@dataclass(frozen=True)
class Argument:
    """Named as in the operator's schema; `by_name`: it is to be passed so."""

    name: str
    value: Value
    by_name: bool


@dataclass(frozen=True)
class Call:
    """One operator: `given` are its arguments, `gives` names of its results, a tuple for a list of tensors."""

    target: str
    given: tuple[Argument, ...]
    gives: tuple[str | tuple[str, ...], ...]


@dataclass(frozen=True)
class Program:
    """`kept`: the tensor's name in the archive by that in the graph. `axes`: what each axis of the one input may be.

    `channels`: how long axis 1 of the output is, where the program says so, and `dimensions` how many axes it has.
    """

    kept: Mapping[str, str]
    taken: str
    axes: tuple[Range, ...]
    calls: tuple[Call, ...]
    given: str
    dimensions: int
    channels: int | None


def read_program(value: Mapping[str, Any], where: str) -> Program:
    """Raises SecurityError for what may do other than arithmetic, SpecError for what is not understood."""
    try:
        version, module = value["schema_version"]["major"], value["graph_module"]
        if version != MAJOR:
            raise SpecError(f"{where}: its schema has version {version}, {MAJOR} is read: save it by torch 2.13")
        graph, signature = module["graph"], module["signature"]
        kept, taken = _inputs(signature["input_specs"], where)
        given = _output(signature["output_specs"], where)
        calls = tuple(_call(node, where) for node in _bounded(graph["nodes"], where))
        sizes = graph["tensor_values"][given]["sizes"]
        channels = sizes[1].get("as_int") if len(sizes) > 1 else None
        axes = _axes(graph["tensor_values"][taken], value["range_constraints"], where)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise SpecError(f"{where}: its program is not as torch.export writes it ({type(error).__name__})") from error
    _check_names(calls, {*kept, taken}, given, where)
    return Program(kept, taken, axes, calls, given, len(sizes), channels)


def _bounded(nodes: Sequence[Any], where: str) -> Sequence[Any]:
    if len(nodes) > _MOST_NODES:
        raise SpecError(f"{where}: its program has more than {_MOST_NODES} steps")
    return nodes


def _inputs(specs: Sequence[Mapping[str, Any]], where: str) -> tuple[Mapping[str, str], str]:
    kept: dict[str, str] = {}
    taken = []
    for spec in specs:
        ((kind, said),) = spec.items()
        if kind == "user_input":
            taken.append(_text(said["arg"]["as_tensor"]["name"]))
        elif kind in ("parameter", "buffer", "tensor_constant"):
            kept[_text(said["arg"]["name"])] = _text(said[f"{kind}_name"])
        else:
            raise SecurityError(f"{where}: its program takes an input that is no tensor ({_shown(kind)})")
    if len(taken) != 1:
        raise SpecError(f"{where}: its program takes {len(taken)} tensors, must take one")
    return kept, taken[0]


def _output(specs: Sequence[Mapping[str, Any]], where: str) -> str:
    kinds = [kind for spec in specs for kind in spec]
    if kinds != ["user_output"] or "as_tensor" not in specs[0]["user_output"]["arg"]:
        raise SpecError(f"{where}: its program must give one tensor, and change none that it keeps or is given")
    return _text(specs[0]["user_output"]["arg"]["as_tensor"]["name"])


def _call(node: Mapping[str, Any], where: str) -> Call:
    target = _text(node["target"])
    if not is_allowed(target):
        raise SecurityError(
            f"{where}: its program calls {_shown(target)}, which is not among the operators that may be"
        )
    given = tuple(_given(one, where) for one in node["inputs"])
    if any(one.name in _IN_TRAINING and one.value is not False for one in given):
        raise SpecError(f"{where}: was exported while the network was in training: call .eval() before the export")
    gives = tuple(_result(one, where) for one in node["outputs"])
    if not gives:
        raise SpecError(f"{where}: its program has a step without a result")
    return Call(target, given, gives)


def _given(one: Mapping[str, Any], where: str) -> Argument:
    return Argument(_text(one["name"]), _value(one["arg"], where), one.get("kind") == _KEYWORD)


def _value(arg: Mapping[str, Any], where: str) -> Value:
    """Raises SecurityError for graphs, objects, devices and operators as arguments."""
    ((kind, said),) = arg.items()
    if kind == "as_none":
        return None
    if kind in _PLAIN:
        return _plain(kind, said, where)
    if kind in _LISTS:
        return [_plain(_LISTS[kind], part, where) for part in said]
    if kind == "as_tensor":
        return Name(_text(said["name"]))
    if kind == "as_tensors":
        return [Name(_text(part["name"])) for part in said]
    if kind in ("as_sym_int", "as_optional_tensor"):
        return _one_of(said, where)
    if kind in ("as_sym_ints", "as_optional_tensors"):
        return [_one_of(part, where) for part in said]
    raise SecurityError(f"{where}: its program has an argument that is no number or tensor ({_shown(kind)})")


def _one_of(said: Mapping[str, Any], where: str) -> Value:
    ((kind, inner),) = said.items()
    return Name(_text(inner)) if kind == "as_name" else _value(said, where)


def _plain(kind: str, said: Any, where: str) -> Value:
    if not isinstance(said, _PLAIN[kind]) or isinstance(said, bool) != (kind == "as_bool"):
        raise SpecError(f"{where}: its program has an argument of another type than it says")
    return Number(kind, cast(int, said)) if kind in ("as_scalar_type", "as_memory_format") else said


def _result(one: Mapping[str, Any], where: str) -> str | tuple[str, ...]:
    ((kind, said),) = one.items()
    if kind == "as_tensor":
        return _text(said["name"])
    if kind == "as_sym_int":
        return _text(said["as_name"])
    if kind == "as_tensors":
        return tuple(_text(part["name"]) for part in said)
    raise SecurityError(f"{where}: its program has a result that is no number or tensor ({_shown(kind)})")


def _axes(meta: Mapping[str, Any], ranges: Mapping[str, Any], where: str) -> tuple[Range, ...]:
    if meta["dtype"] != FLOAT32:
        raise SpecError(f"{where}: its program must take float32")
    return tuple(_axis(size, ranges, where) for size in meta["sizes"])


def _axis(size: Mapping[str, Any], ranges: Mapping[str, Any], where: str) -> Range:
    if "as_int" in size:
        return size["as_int"], size["as_int"]
    symbol = _SYMBOL.fullmatch(_text(size["as_expr"]["expr_str"]))
    if symbol is None:
        raise SpecError(f"{where}: an axis of its input is neither fixed nor free: export it with Dim or a fixed size")
    said = ranges.get(symbol[1] or symbol[2]) or {}
    low, high = said.get("min_val"), said.get("max_val")
    # Sizes beyond these have no bound that anybody meant.
    return low if isinstance(low, int) else 0, high if isinstance(high, int) and high < 1 << 62 else None


def _check_names(calls: Sequence[Call], known: set[str], given: str, where: str) -> None:
    """That every value is there before it is used, and given once. Raises SpecError."""
    for call in calls:
        gives = [name for one in call.gives for name in ((one,) if isinstance(one, str) else one)]
        if not known.issuperset(used_by(call)) or not known.isdisjoint(gives) or len(set(gives)) != len(gives):
            raise SpecError(f"{where}: its program uses a value that is not there yet, or gives one twice")
        known.update(gives)
    if given not in known:
        raise SpecError(f"{where}: its program does not give what it says")


def used_by(call: Call) -> list[str]:
    """Names of the values that a call takes."""
    parts = [part for one in call.given for part in (one.value if isinstance(one.value, list) else [one.value])]
    return [part.name for part in parts if isinstance(part, Name)]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _shown(text: str) -> str:
    """As much of a name out of a file as a message may show."""
    return repr(text[:60])
