"""Many columns by look-up: tables of whole rows of columns, eight of which are added to a sample at once.

The columns are laid in panels that fill a few vector registers. That an addition of nine rows of a panel is done in
registers is written in LLVM's own terms, because numba cannot know that the rows do not overlap and checks it anew for
every sample, which takes three times as long.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from workers.genomics.kernels.machine import compiled

TABLES = 8
"""Tables that are added at once, each of four features"""
TOGETHER = 4 * TABLES
_VECTOR_BYTES = 32


@cache
def panel_adder(wide: bool) -> tuple[Callable[..., None], int]:
    """What adds a block to one panel, and how many columns that has: 4 in float64 (`wide`), else 16 in float32.

    It is called with `index` (groups, samples) of `workers.genomics.kernels.lookup.index_rows`, `values` (features, 4),
    `weights` (features, columns), and `total` (samples, columns) in float64; groups are a multiple of eight.
    """
    number, columns = (np.float64, 4) if wide else (np.float32, 16)
    add_rows = _row_adder(ir.DoubleType() if wide else ir.FloatType(), columns, np.dtype(number).itemsize)

    @compiled
    def add_panel(index, values, weights, total):  # type: ignore[no-untyped-def]  # numba infers the types
        samples = total.shape[0]
        sums = np.zeros((TABLES, 256, columns), number)
        part = np.zeros((samples, columns), number)
        for start in range(0, index.shape[0], TABLES):
            for k in range(TOGETHER):
                feature, table, size = 4 * start + k, sums[k // 4], 1 << 2 * (k % 4)
                if size == 1:
                    table[0] = 0
                # Downwards: code 0 overwrites the sums that the other codes are made from.
                for code in range(3, -1, -1):
                    value = values[feature, code]
                    for i in range(size):
                        to = table[code * size + i]
                        for column in range(columns):
                            to[column] = table[i, column] + value * weights[feature, column]
            for sample in range(samples):
                add_rows(part, sums, index, start, sample)
        for sample in range(samples):
            for column in range(columns):
                total[sample, column] += part[sample, column]

    return add_panel, columns


def _row_adder(number: ir.Type, columns: int, size: int) -> Any:
    """An intrinsic (part, sums, index, group, sample): part[sample] += sums[t, index[group + t, sample]] for all t."""
    lanes = _VECTOR_BYTES // size
    vector, wide = ir.VectorType(number, lanes), ir.IntType(64)

    @intrinsic
    def add_rows(typing_context, part, sums, index, group, sample):  # type: ignore[no-untyped-def]  # numba infers the types
        signature = types.void(part, sums, index, types.int64, types.int64)

        def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]  # numba infers the types
            arrays = [
                context.make_array(kind)(context, builder, value)
                for kind, value in zip(signature.args[:3], arguments[:3], strict=True)
            ]
            group, sample = arguments[3:]
            many = builder.extract_value(arrays[2].shape, 1)
            base = builder.gep(arrays[0].data, [builder.mul(sample, wide(columns))])
            rows = []
            for table in range(TABLES):
                place = builder.add(builder.mul(builder.add(group, wide(table)), many), sample)
                code = builder.zext(builder.load(builder.gep(arrays[2].data, [place])), wide)
                offset = builder.add(builder.mul(code, wide(columns)), wide(table * 256 * columns))
                rows.append(builder.gep(arrays[1].data, [offset]))
            for at in range(0, columns, lanes):
                into, *parts = (
                    builder.bitcast(builder.gep(row, [wide(at)]), vector.as_pointer()) for row in (base, *rows)
                )
                # numpy promises the alignment of one number, not of a whole vector.
                values = [builder.load(pointer, align=size) for pointer in parts]
                # Added in pairs: a chain of eight would wait for each sum in turn.
                while len(values) > 1:
                    pairs = zip(values[::2], values[1::2], strict=True)
                    values = [builder.fadd(left, right) for left, right in pairs]
                builder.store(builder.fadd(builder.load(into, align=size), values[0]), into, align=size)
            return context.get_dummy_value()

        return signature, codegen

    return add_rows
