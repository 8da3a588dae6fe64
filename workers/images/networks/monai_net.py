"""One network of MONAI (Cardoso et al. 2022) as a module of a folder `networks/` is, whatever dimensions it works in.

Settings are the parameters of the class, with its defaults; but channels that go in are `in_channels`, those or the
labels that come out `num_outputs`, and sides `size` where it takes images of one size. Weights have the names that
MONAI gives them, and begin as there: none are ever downloaded.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Annotated, Any, Literal, cast

import torch
from monai.networks import nets
from pydantic import BeforeValidator, Field, create_model, model_validator
from torch import Tensor, nn

from schemas.errors import SpecError
from schemas.extras import missing_extra
from schemas.frozen import Frozen
from schemas.loading import validate

_MOST = 65_536
_DEPTH = Annotated[int, Field(ge=1, le=200)]
_DEPTHS = Annotated[tuple[_DEPTH, ...], Field(min_length=1, max_length=8)]
_SIDES = 1024
_SIDE = Annotated[int, Field(ge=1, le=4096)]
_TYPES: Mapping[str, Any] = {
    "int": Annotated[int, Field(ge=0, le=_MOST)],
    "float": float,
    "float | None": float | None,
    "bool": bool,
    "str": str,
}
"""By MONAI's annotation. What is of another type is whatever the class takes."""
_OWN_TYPES: Mapping[str, Any] = {
    "layers": _DEPTHS,
    "block_config": _DEPTHS,
    "num_layers": _DEPTH,
    "depths": _DEPTHS,
    "blocks_down": _DEPTHS,
    "blocks_up": _DEPTHS | None,
    "blocks_bottleneck": _DEPTH,
    "block": str,
}
_REFUSALS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What the classes of MONAI and torch raise for parameters that cannot be."""
_RENAMED = {
    "n_input_channels": "in_channels",
    "out_channels": "num_outputs",
    "num_classes": "num_outputs",
    "classes": "num_outputs",
    "out_shape": "num_outputs",
    "in_shape": "size",
    "img_size": "size",
}
"""What MONAI calls that which follows from the data in a training."""
_NEVER = ("progress", "self")
_DIMS: Mapping[int, Any] = {2: Literal[2], 3: Literal[3]}


class _Settings(Frozen):
    """What the settings of all of them have in common."""

    @model_validator(mode="before")
    @classmethod
    def _has_our_names(cls, given: Any) -> Any:
        theirs = sorted(_RENAMED.keys() & given.keys()) if isinstance(given, Mapping) else []
        if theirs:
            name = theirs[0]
            ours = _RENAMED[name]
            raise ValueError(f"{name} is {ours!r} here, and in a training follows from the data: leave it out")
        return given


def _refused(value: object) -> object:
    if value:
        raise ValueError("weights are not downloaded: begin from those of a model directory (input.start)")
    return value


_FIXED: Mapping[str, tuple[Any, Any]] = {
    "pretrained": (Annotated[Literal[False], BeforeValidator(_refused)], False),
    "classification": (Literal[True], True),
    "feed_forward": (Literal[True], True),
}


@dataclass(frozen=True)
class Net:
    """One of them, as a module of `workers.images.networks` is, in `dims` dimensions. `base` has the parameters that it
    hands on, but for `decides`; `defaults` stand in place of MONAI's own, and `made_by` in place of its class."""

    name: str
    base: Any = None
    decides: tuple[str, ...] = ()
    defaults: tuple[tuple[str, Any], ...] = ()
    is_traceable: bool = True
    needs: str = ""
    dims: Literal[2, 3] = 2
    made_by: Callable[..., nn.Module] | None = None

    @cached_property
    def Config(self) -> type[Frozen]:
        """Its settings. Raises MissingExtraError where it needs a package that is not there."""
        if self.needs:
            _require(self.needs)
        fields: dict[str, Any] = {
            "in_channels": (Annotated[int, Field(ge=1, le=1024)], ...),
            "num_outputs": (Annotated[int, Field(ge=1, le=1_000_000)], ...),
        }
        for one in self._parameters.values():
            if one.name not in _RENAMED and one.name not in fields:
                fields[one.name] = self._fixed.get(one.name) or self._field(one)
        return create_model(self.name, __base__=_Settings, **self._more(fields))

    def build(self, config: Any) -> nn.Module:
        """Network from (N, in_channels, *sides) float32 to (N, num_outputs) logits, or (N, num_outputs, *sides).

        Raises SpecError with what MONAI finds wrong with the settings.
        """
        given = {name: value for name, value in dict(config).items() if name in self._parameters}
        try:
            network: nn.Module = self._class(**{**given, **self._shape(config)})
        except _REFUSALS as error:
            raise SpecError(f"network monai.{self.name} is not made of these settings: {_first_line(error)}") from error
        return network

    def check(self, chosen: Mapping[str, Any]) -> None:
        """Raises SpecError for settings that no data would make right."""
        with torch.device("meta"):
            some = {"in_channels": 1, "num_outputs": 2, **self._some_size(), **chosen}
            self.build(validate(self.Config, some, f"input.network.settings of monai.{self.name}"))

    def smallest_side(self, config: Any) -> int:
        """Fewest elements along a side, tried without arithmetic. Raises SpecError where no image would do."""
        with torch.device("meta"):
            network = self.build(config).eval()
        low, high = 0, _SIDES
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._takes(network, config.in_channels, middle) else (middle, high)
        if high == _SIDES and not self._takes(network, config.in_channels, high):
            most = " x ".join([str(_SIDES)] * self.dims)
            raise SpecError(f"network monai.{self.name} with these settings takes no image of {most}")
        return high

    @property
    def _class(self) -> Callable[..., Any]:
        return self.made_by or cast(Callable[..., Any], getattr(nets, self.name))

    @property
    def _fixed(self) -> Mapping[str, tuple[Any, Any]]:
        return {**_FIXED, "spatial_dims": (_DIMS[self.dims], self.dims)}

    @cached_property
    def _parameters(self) -> dict[str, inspect.Parameter]:
        """Those of the class; where it takes any, those too that it hands to the one above it."""
        found: dict[str, inspect.Parameter] = {}
        for one in (getattr(nets, self.name), self.base):
            own = inspect.signature(one).parameters.values() if one is not None else ()
            named = [part for part in own if part.kind is not part.VAR_KEYWORD]
            found = {**{part.name: part for part in named}, **found}
        return {name: part for name, part in found.items() if name not in (*self.decides, *_NEVER)}

    def _field(self, one: inspect.Parameter) -> tuple[Any, Any]:
        kind = _OWN_TYPES.get(one.name, _TYPES.get(str(one.annotation), Any))
        default = dict(self.defaults).get(one.name, one.default)
        return kind, ... if default is one.empty else default

    def _more(self, fields: dict[str, Any]) -> dict[str, Any]:
        return fields

    def _takes(self, network: nn.Module, channels: int, side: int) -> bool:
        try:
            network(torch.empty(1, channels, *[side] * self.dims, device="meta"))
        except (RuntimeError, ValueError):
            return False
        return True

    def _some_size(self) -> Mapping[str, Any]:
        return {}

    def _shape(self, config: Any) -> Mapping[str, Any]:
        """What MONAI calls channels and labels."""
        given = {name: getattr(config, ours) for name, ours in _RENAMED.items() if ours in dict(config)}
        return {name: value for name, value in given.items() if name in self._parameters}


class OfOneSize(Net):
    """One that takes images of one size."""

    def exact_size(self, config: Any) -> tuple[int, ...]:
        """Sides of an image: rows and columns."""
        return cast(tuple[int, ...], config.size)

    def smallest_side(self, config: Any) -> int:
        """Fewest elements along a side."""
        return int(min(config.size))

    def _more(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {**fields, "size": (tuple[_SIDE, _SIDE] if self.dims == 2 else tuple[_SIDE, _SIDE, _SIDE], ...)}

    def _some_size(self) -> Mapping[str, Any]:
        return {"size": (_SIDES,) * self.dims}

    def _shape(self, config: Any) -> Mapping[str, Any]:
        named = {"in_shape": (config.in_channels, *config.size), "out_shape": (config.num_outputs,)}
        return {**super()._shape(config), **{name: one for name, one in named.items() if name in self._parameters}}


class LogitsOfViT(nets.ViT):  # type: ignore[misc]  # MONAI ships no types that mypy follows here
    """Without the hidden states that MONAI's gives beside them."""

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = super().forward(x)[0]
        return logits


def _require(package: str) -> None:
    try:
        import_module(package)
    except ModuleNotFoundError as error:
        found = missing_extra(error, "monai")
        if found is None:
            raise
        raise found from error


def _first_line(error: Exception) -> str:
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__


def by_name(nets_of: Iterable[Net]) -> Mapping[str, Net]:
    """They by their names."""
    return {net.name: net for net in nets_of}


OF_RESNET = ("block", "layers", "block_inplanes")
"""What a `resnet18` decides for the ResNet that it is."""
PLAIN = (("post_activation", ""),)
"""MONAI's own would press logits between -1 and 1."""


def scoring(dims: Literal[2, 3]) -> tuple[Net, ...]:
    """Those that give one value a label of an image."""
    return (
        *(Net(name, dims=dims) for name in ("DenseNet", "EfficientNet", "EfficientNetBN", "ResNet", "SENet")),
        *(Net(f"DenseNet{depth}", nets.DenseNet, dims=dims) for depth in (121, 169, 201, 264)),
        *(Net(f"resnet{depth}", nets.ResNet, OF_RESNET, dims=dims) for depth in (10, 18, 34, 50, 101, 152, 200)),
        *(Net(f"SEResNet{depth}", nets.SENet, ("block",), dims=dims) for depth in (50, 101, 152)),
        *(Net(f"SEResNext{depth}", nets.SENet, ("block",), dims=dims) for depth in (50, 101)),
        Net("SENet154", nets.SENet, ("block",), dims=dims),
        OfOneSize("Classifier", dims=dims),
        OfOneSize("Regressor", dims=dims),
        OfOneSize("ViT", defaults=PLAIN, is_traceable=False, needs="einops", dims=dims, made_by=LogitsOfViT),
    )
