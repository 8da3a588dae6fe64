"""What a bundle does after its network, as the activation of a card and the way back.

Ours is: activation, back to the original grid, decision. A bundle whose transforms would give other labels than that is
refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from schemas.errors import SecurityError, SpecError
from workers.images.volumes.formats.monai.arguments import Arguments, keys_of
from workers.images.volumes.formats.monai.cleaning import TIDY
from workers.images.volumes.formats.monai.config import Component
from workers.images.volumes.formats.monai.preprocessing import Step, base_name, transforms_of

_RESAMPLING = ("resample", "resize")
_FRAMING = ("crop", "crop_foreground", "pad")
_NO_MATTER = ("EnsureType", "ToTensor", "CastToType", "SaveImage", "CopyItems", "DeleteItems", "SelectItems")


@dataclass(frozen=True)
class After:
    """`order` are the acts in the order in which the bundle has them. `nearest`: back by the nearest voxel. `tidied`
    are the transforms that tidy labels, which are "clean" in `order`."""

    activation: Literal["softmax", "sigmoid", "none"] = "none"
    threshold: float = 0.5
    argmax: bool = False
    marks: bool = False
    nearest: bool = False
    order: tuple[str, ...] = ()
    tidied: tuple[Component, ...] = ()


def after_of(postprocessing: Component | None, pred: str) -> After:
    """What is done to the key of the prediction. Raises SpecError for what has no equal, SecurityError for code."""
    found = After()
    if postprocessing is not None:
        for one in transforms_of(postprocessing):
            if pred in keys_of(one.settings):
                found = _with(found, one, pred)
    return found


def with_way_back(after: After, steps: Sequence[Step], where: str) -> tuple[Step, ...]:
    """The steps, with how the bundle takes values back. Raises SpecError where its labels would not lie on the grid of
    the original, or would be made up between labels."""
    names = [name for step in steps for name in step]
    if "back" not in after.order and any(name in (*_RESAMPLING, *_FRAMING) for name in names):
        raise SpecError(
            f"{where}: postprocessing has no Invertd, so that labels would stay on the prepared grid: add one before "
            "AsDiscreted"
        )
    _check_tidied(after, names, where)
    if "back" not in after.order or not any(name in _RESAMPLING for name in names):
        return tuple(steps)
    if after.nearest:
        # The nearest voxel's largest value is the largest value's nearest voxel: it may be decided before or after.
        return tuple(_back_by_nearest(step, where) for step in steps)
    if "decision" in after.order and after.order.index("decision") < after.order.index("back"):
        raise SpecError(
            f"{where}: postprocessing interpolates between labels, which makes labels that nobody gave: put Invertd "
            "before AsDiscreted, or let it have nearest_interp true"
        )
    return tuple(steps)


def _check_tidied(after: After, names: Sequence[str], where: str) -> None:
    if not after.tidied or "back" not in after.order or not any(name in (*_RESAMPLING, *_FRAMING) for name in names):
        return
    if after.order.index("clean") < after.order.index("back"):
        raise SpecError(
            f"{where}: {after.tidied[0].target} stands before Invertd, on the prepared grid: put it behind, where "
            "labels lie on the grid of the original"
        )


def _back_by_nearest(step: Step, where: str) -> Step:
    if "resize" in step and step["resize"]["method"] not in ("nearest", "nearest_exact"):
        raise SpecError(
            f"{where}: Invertd with nearest_interp true after Resized is not supported: let nearest_interp be false"
        )
    return {"resample": {**step["resample"], "back": "nearest"}} if "resample" in step else step


def _with(found: After, one: Component, pred: str) -> After:
    name = base_name(one.target)
    if name == "Lambda":
        raise SecurityError(
            f"{one.where}: {one.target} is Python code, which is not run: leave it out. Channels are structures of "
            "their own here, in the label map too where one excludes the others"
        )
    if name in _NO_MATTER:
        return found
    given = Arguments(one, pred)
    given.drop("keys", "allow_missing_keys")
    if name == "Activations":
        return _activations(found, given)
    if name == "Invert":
        return _invert(found, given)
    if name == "AsDiscrete":
        return _discrete(found, given)
    if name in TIDY:
        if "decision" not in found.order:
            raise SpecError(f"{one.where}: {one.target} stands before AsDiscreted: put it behind, where labels are")
        return replace(found, tidied=(*found.tidied, one), order=(*found.order, "clean"))
    raise SpecError(
        f"{one.where}: transform {one.target!r} has no equal here: leave it out, or write the model as a "
        "wardround-volume-model (docs/models.md). Known: Activationsd, AsDiscreted, Invertd, SaveImaged, "
        "KeepLargestConnectedComponentd, FillHolesd, RemoveSmallObjectsd"
    )


def _activations(found: After, given: Arguments) -> After:
    softmax, sigmoid = given.truth("softmax", False), given.truth("sigmoid", False)
    given.only("other", None)
    given.only("dim", 0)
    given.drop("kwargs")
    given.done()
    if softmax and sigmoid:
        raise SpecError(f"{given.where}: {given.target} has both softmax and sigmoid: choose one")
    if not (softmax or sigmoid):
        return found
    return replace(found, activation="softmax" if softmax else "sigmoid", order=_next(found, "activation", given))


def _invert(found: After, given: Arguments) -> After:
    given.drop("transform", "orig_keys", "meta_keys", "orig_meta_keys", "meta_key_postfix", "to_tensor", "device")
    given.only("post_func", None)
    nearest = given.truth("nearest_interp", True)
    given.done()
    return replace(found, nearest=nearest, order=_next(found, "back", given))


def _discrete(found: After, given: Arguments) -> After:
    given.only("to_onehot", None, False)
    given.only("rounding", None)
    argmax = given.truth("argmax", False)
    threshold = given.word("threshold", None)
    given.drop("dim", "keepdim", "dtype", "kwargs")
    given.done()
    if argmax == (threshold is not None) or isinstance(threshold, bool | str):
        raise SpecError(f"{given.where}: {given.target} needs either argmax or a threshold")
    order = _next(found, "decision", given)
    if argmax:
        return replace(found, argmax=True, order=order)
    return replace(found, marks=True, threshold=float(threshold), order=order)


def _next(found: After, act: str, given: Arguments) -> tuple[str, ...]:
    if act in found.order:
        raise SpecError(f"{given.where}: {given.target} stands there twice: once is enough")
    if act == "activation" and "decision" in found.order:
        raise SpecError(f"{given.where}: {given.target} after AsDiscreted means nothing: put it before")
    return (*found.order, act)
