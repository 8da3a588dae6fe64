"""Configurations of Keras 2 and 3 as lists of layers."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import SpecError
from workers.images.formats.keras_graph import graph_of


def _of_keras_2(*layers: tuple[str, str, list[str], dict[str, Any]]) -> dict[str, Any]:
    """A Functional model as Keras 2 wrote it."""
    entries = [
        {
            "class_name": kind,
            "name": name,
            "config": {"name": name, **config},
            "inbound_nodes": [[[one, 0, 0, {}] for one in inputs]] if inputs else [],
        }
        for kind, name, inputs, config in layers
    ]
    ends = {"input_layers": [[layers[0][1], 0, 0]], "output_layers": [[layers[-1][1], 0, 0]]}
    return {"class_name": "Functional", "config": {"layers": entries, **ends}}


START = ("InputLayer", "start", [], {"batch_input_shape": [None, 8, 8, 3]})


def test_models_of_keras_2_are_read() -> None:
    graph = graph_of(
        _of_keras_2(
            START,
            ("Flatten", "flat", ["start"], {}),
            ("Dense", "left", ["flat"], {"units": 3}),
            ("Dense", "right", ["flat"], {"units": 3}),
            ("Concatenate", "both", ["left", "right"], {"axis": -1}),
            ("Dense", "out", ["both"], {"units": 5, "activation": "sigmoid"}),
        ),
        "m",
    )
    assert graph.shape == (8, 8, 3)
    assert (graph.labels, graph.activation) == (5, "sigmoid")
    assert [layer.place for layer in graph.layers[1:]] == ["flatten", "dense", "dense_1", "concatenate", "dense_2"]


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([("TFOpLambda", "minus", ["start"], {})], "layer 'minus': layers TFOpLambda are not supported"),
        ([("Conv2D", "c", ["start"], {"filters": 2, "kernel_size": 3})], "ends with 'c', which gives images"),
        ([("Flatten", "f", ["start"], {})], "has no layer that gives scores|cannot be counted"),
        ([("Flatten", "f", ["nowhere"], {})], "layer 'f' has no way from the input"),
        (
            [("Flatten", "f", ["start"], {}), ("Dense", "d", ["f"], {"units": 2, "activation": "mine"})],
            "activation 'mine' is not supported",
        ),
    ],
)
def test_what_is_not_supported_is_named(layers: list[Any], told: str) -> None:
    with pytest.raises(SpecError, match=told):
        graph_of(_of_keras_2(START, *layers), "m")


def test_what_is_no_configuration_is_refused() -> None:
    for wrong in ({}, {"class_name": "Sequential", "config": {}}, {"class_name": "Mine", "config": {}}):
        with pytest.raises(SpecError):
            graph_of(wrong, "m")
