"""Expressions of a bundle: a few forms have a value, code has none."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import SecurityError, SpecError
from workers.images.volumes.formats.monai.expressions import DEVICE, value_of

VALUES: dict[str, Any] = {"root": "/b", "n": 3, "sizes": [96, 96], "deep::one#two": 7, "network": object(), "on": True}


def value(text: str) -> Any:
    return value_of(text, VALUES.__getitem__, "inference.json: x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@root + '/models/model.pt'", "/b/models/model.pt"),
        ("@root + '/models/' + 'm.pt'", "/b/models/m.pt"),
        ("'a.pt' if @on else 'b.pt'", "a.pt"),
        ("[1.5, 1.5, 1.5] if not @on else [3.0] + [3.0, -3.0]", [3.0, 3.0, -3.0]),
        ("len(@sizes)", 2),
        ("@n * 2 + 1", 7),
        ("@n ** 2", SecurityError),
        ("@sizes[-1] // 2", 48),
        ("@deep::one#two > 3 and @n == 3", True),
        ("{'a': (@n, None)}", {"a": [3, None]}),
        ("torch.float32", "float32"),
        ("numpy.uint8", "uint8"),
        ("monai.utils.CommonKeys.IMAGE", "image"),
        ("torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')", DEVICE),
        ("None", None),
        ("@n / 0", SpecError),
        ("@n + 'a'", SpecError),
        ("@sizes[5]", SpecError),
    ],
)
def test_the_forms_of_model_zoo_have_their_value(text: str, expected: Any) -> None:
    if isinstance(expected, type):
        with pytest.raises(expected):
            value(text)
    else:
        assert value(text) == expected


def test_a_network_that_is_moved_is_the_network() -> None:
    assert value("@network.to(@device)") is VALUES["network"]


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch /tmp/x')",
        "os.system('x')",
        "open('/etc/passwd').read()",
        "import os",
        "lambda x: x",
        "[i for i in range(3)]",
        "torch.load(@root)",
        "@network.__class__",
        "@root.format(@n)",
        "f'{@root}'",
        "'%s' % @root",
        "'a' * 1000000000",
        "[0] * @n",
        "getattr(@network, 'x')",
        "monai.data.load_decathlon_datalist(@root)",
        "(" * 500 + ")" * 500,
        "1 + " * 3000 + "1",
        "",
        "\0",
    ],
)
def test_code_is_refused_and_not_run(text: str) -> None:
    with pytest.raises(SecurityError, match="Python code, which is not run: write the value"):
        value(text)
