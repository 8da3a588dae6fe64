from __future__ import annotations

from typing import Any

import numpy as np

from workers.genomics.kernels.machine import compiled


def test_a_function_whose_source_lies_nowhere_is_compiled_though_it_cannot_be_kept() -> None:
    made: dict[str, Any] = {}
    exec(
        compile("def double(values):\n    for i in range(len(values)):\n        values[i] *= 2\n", "<none>", "exec"),
        made,
    )
    values = np.array([1, 2, 5])
    function = compiled(made["double"])
    function(values)
    assert values.tolist() == [2, 4, 10]
    assert function.signatures, "it ran as Python, not as machine code"
