"""How a bundle shows a volume to its network, as our windows."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.errors import SpecError
from workers.images.volumes.formats.monai.arguments import Arguments
from workers.images.volumes.formats.monai.config import Component

Windows = dict[str, Any]
_PADDING = {"constant": "constant", "replicate": "edge", "reflect": "reflect", "circular": "wrap"}
_NO_MATTER = ("sw_batch_size", "device", "sw_device", "progress", "cache_roi_weight_map", "cpu_thresh", "buffer_steps")
"""They change speed and memory, and no value."""


def windows_of(inferer: Component) -> Windows | None:
    """Settings of `workers.images.volumes.card.Windows`; None: the whole volume at once. Raises SpecError for another
    way."""
    if inferer.target not in INFERERS:
        raise SpecError(
            f"{inferer.where}: inferer {inferer.target!r} is not supported: use one of {', '.join(sorted(INFERERS))}"
        )
    given = Arguments(inferer)
    found = INFERERS[inferer.target](given)
    given.done()
    return found


def _whole(_: Arguments) -> None:
    return None


def _sliding(given: Arguments) -> Windows:
    given.drop(*_NO_MATTER, "buffer_dim")
    given.only("with_coord", False)
    mode = given.word("mode", "constant")
    if mode not in ("constant", "gaussian"):
        raise SpecError(f"{given.where}: mode {mode!r} is not supported, only 'constant' or 'gaussian'")
    padding = given.word("padding_mode", "constant")
    if padding not in _PADDING:
        raise SpecError(f"{given.where}: padding_mode {padding!r} is not supported, only {', '.join(_PADDING)}")
    return {
        "roi": given.sides("roi_size"),
        "overlap": given.take("overlap", 0.25),
        "blend": mode,
        "sigma_scale": given.take("sigma_scale", 0.125),
        "padding": _PADDING[padding],
        "fill": given.number("cval", 0.0),
    }


INFERERS: Mapping[str, Callable[[Arguments], Windows | None]] = {
    "SimpleInferer": _whole,
    "SlidingWindowInferer": _sliding,
    "SlidingWindowInfererAdapt": _sliding,
}
