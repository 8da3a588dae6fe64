"""An exported program as a torch network: its calls are made one after the other. Imports torch.

Only what `allowed` lists is called. Nothing is traced or compiled, and no expression is read: sizes are the tensors'.
"""

import operator
from collections.abc import Callable, Mapping
from math import prod
from typing import Any, cast

import torch
from torch import Tensor, nn

from schemas.errors import SpecError
from workers.models.exported.allowed import ATEN, SIZE, WHOLE, aten_name, whole_name
from workers.models.exported.archive import Archive
from workers.models.exported.program import Call, Name, Number, Program, used_by

_DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
_WHOLE: Mapping[str, Callable[..., Any]] = {name: getattr(operator, name) for name in WHOLE}


def _overload(name: str) -> Callable[..., Any]:
    packet, _, overload = name.partition(".")
    return cast(Callable[..., Any], getattr(getattr(torch.ops.aten, packet), overload))


_ATEN = {name: _overload(name) for name in ATEN}


class ExportedNetwork(nn.Module):
    """(N, ...) float32 to what the program gives of it. Its tensors are buffers, so that it moves as a network does.

    Batches of other sizes than the program takes are cut and filled up. Raises ValueError for other axes than its own.
    """

    def __init__(self, program: Program, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._program = program
        self._held = {name: f"kept_{place}" for place, name in enumerate(program.kept)}
        for name, held in self._held.items():
            self.register_buffer(held, tensors[program.kept[name]])
        self._done_with = _last_uses(program)

    def forward(self, given: Tensor) -> Tensor:
        """The one result for one tensor, whose axes but the first are the program's."""
        axes = self._program.axes
        fits = given.ndim == len(axes) and all(
            low <= size and (high is None or size <= high)
            for size, (low, high) in zip(given.shape[1:], axes[1:], strict=True)
        )
        if not fits:
            raise ValueError("the program takes no tensor of this shape")
        low, high = axes[0]
        parts = []
        for part in torch.split(given, high or max(1, len(given))):
            missing = max(0, low - len(part))
            filled = torch.cat([part, part[-1:].expand(missing, *part.shape[1:])]) if missing else part
            parts.append(self._run(filled)[: len(part)])
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _run(self, given: Tensor) -> Tensor:
        program = self._program
        values: dict[str, Any] = {name: getattr(self, held) for name, held in self._held.items()}
        values[program.taken] = given
        for call, done in zip(program.calls, self._done_with, strict=True):
            _make(call, values)
            for name in done:
                del values[name]
        return cast(Tensor, values[program.given])


def load_network(archive: Archive, program: Program) -> ExportedNetwork:
    """The program with its tensors. Raises SpecError where they do not fit each other."""
    payloads = archive.payloads()
    tensors = {}
    for name in dict.fromkeys(program.kept.values()):
        if name not in payloads:
            raise SpecError(f"{archive.path}: has no tensor {name[:60]!r}, which its program uses")
        tensors[name] = _tensor(archive, payloads[name], name)
    return ExportedNetwork(program, tensors)


def _tensor(archive: Archive, payload: Mapping[str, Any], name: str) -> Tensor:
    raw = bytearray(archive.bytes_of(payload))
    try:
        meta = payload["tensor_meta"]
        dtype = _DTYPES[meta["dtype"]]
        sizes, strides = ([int(one["as_int"]) for one in meta[key]] for key in ("sizes", "strides"))
        offset = int(meta["storage_offset"]["as_int"])
        # Strides of 0 would make much of little.
        if min(sizes, default=0) < 0 or prod(sizes) * dtype.itemsize > len(raw):
            raise ValueError("it has fewer bytes than its shape asks for")
        if not prod(sizes):
            return torch.empty(sizes, dtype=dtype)
        return torch.as_strided(torch.frombuffer(raw, dtype=dtype), sizes, strides, offset)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise SpecError(f"{archive.path}: tensor {name[:60]!r} cannot be read ({type(error).__name__})") from error


def _make(call: Call, values: dict[str, Any]) -> None:
    positional = [_filled(one.value, values) for one in call.given if not one.by_name]
    named = {one.name: _filled(one.value, values) for one in call.given if one.by_name}
    aten = aten_name(call.target)
    if aten is not None:
        found = _ATEN[aten](*positional, **named)
    elif call.target == SIZE:
        found = positional[0].shape[positional[1]]
    else:
        found = _WHOLE[whole_name(call.target)](*positional)
    results = (found,) if len(call.gives) == 1 else found
    for given, result in zip(call.gives, results, strict=True):
        if isinstance(given, str):
            values[given] = result
        else:
            values.update(zip(given, result, strict=True))


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Name):
        return values[value.name]
    if isinstance(value, Number):
        return (_DTYPES if value.kind == "as_scalar_type" else _FORMATS)[value.value]
    return [_filled(part, values) for part in value] if isinstance(value, list) else value


def _last_uses(program: Program) -> list[list[str]]:
    """By call, the values that nothing after it uses: their memory is wanted by the next."""
    last: dict[str, int] = {}
    for place, call in enumerate(program.calls):
        for name in used_by(call):
            last[name] = place
        for given in call.gives:
            last.update(dict.fromkeys((given,) if isinstance(given, str) else given, place))
    done: list[list[str]] = [[] for _ in program.calls]
    for name, place in last.items():
        if name != program.given:
            done[place].append(name)
    return done
