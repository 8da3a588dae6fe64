"""Decoders that do what their record tells them: the good, the slow and the deadly."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from schemas.errors import MissingExtraError, RecordError
from schemas.status import Status
from workers.children.contract import Handler, Item


def build(settings: Mapping[str, Any]) -> Handler:
    """A record reads `deed argument`; the answer carries the context along."""

    def decode(data: memoryview, context: Mapping[str, Any]) -> Item:
        deed, _, argument = bytes(data).decode().partition(" ")
        item = _DEEDS[deed](argument)
        return Item(item.arrays, {**settings, **item.meta, "context": dict(context)})

    return decode


def build_copy(settings: Mapping[str, Any]) -> Handler:
    """The record's own bytes, as they came."""
    return lambda data, context: Item([np.frombuffer(data, np.uint8)], {"read_only": data.readonly})


def build_png(settings: Mapping[str, Any]) -> Handler:
    """Real images with OpenCV."""
    import cv2

    def decode(data: memoryview, context: Mapping[str, Any]) -> Item:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise RecordError(Status.UNREADABLE, "not an image")
        return Item([np.asarray(pixels)], {})

    return decode


def build_missing_extra(settings: Mapping[str, Any]) -> Handler:
    """A decoder whose package is not there."""
    raise MissingExtraError("nosuchpackage", "images")


def build_broken(settings: Mapping[str, Any]) -> Handler:
    """A decoder that cannot even start."""
    raise ImportError("libnothing.so: cannot open")


def build_dying(settings: Mapping[str, Any]) -> Handler:
    """A decoder whose import kills its process."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _segfault(argument: str) -> Item:
    ctypes.string_at(0)
    return _echo(argument)


def _segfault_once(path: str) -> Item:
    if not os.path.exists(path):
        Path(path).touch()
        ctypes.string_at(0)
    return _echo(path)


def _exit(argument: str) -> Item:
    os._exit(int(argument))


def _kill(argument: str) -> Item:
    os.kill(os.getpid(), signal.SIGKILL)
    return _echo(argument)


def _sleep(argument: str) -> Item:
    time.sleep(float(argument))
    return _echo(argument)


def _echo(argument: str) -> Item:
    return Item([np.frombuffer(argument.encode(), np.uint8)], {"pid": os.getpid()})


def _unreadable(argument: str) -> Item:
    raise RecordError(Status.UNREADABLE, "it is truncated")


def _bug(argument: str) -> Item:
    raise IndexError(f"secret {argument}")


def _allocate(argument: str) -> Item:
    return Item([np.ones(int(argument), np.uint8)], {})


def _modules(argument: str) -> Item:
    return Item([], {"modules": sorted(sys.modules)})


def _facts(argument: str) -> Item:
    threads = os.listdir("/proc/self/task")
    fds = os.listdir("/proc/self/fd")
    names = ("OMP_NUM_THREADS", "AWS_SECRET_ACCESS_KEY", "EXTRA")
    return Item([], {"threads": len(threads), "fds": len(fds), "env": {name: os.environ.get(name) for name in names}})


def _shapes(argument: str) -> Item:
    whole = np.arange(24, dtype=">i2").reshape(4, 6)
    return Item(
        [
            whole[::2, ::-3],
            np.asfortranarray(whole),
            np.float64(2.5) * np.ones(()),
            np.empty((0, 7), np.float32),
            np.array([np.nan, np.inf, -np.inf], np.float32),
            np.array([[True], [False]]),
            np.broadcast_to(np.uint8(3), (2, 2)),
        ],
        {"tuple": (1, 2)},
    )


def _objects(argument: str) -> Item:
    return Item([np.array([object()])], {})


def _unspeakable(argument: str) -> Item:
    return Item([], {"value": object()})


def _shout(argument: str) -> Item:
    print("secret", flush=True)
    os.write(2, b"secret\n")
    return _echo(argument)


_DEEDS: Mapping[str, Callable[[str], Item]] = {
    "segfault": _segfault,
    "segfault-once": _segfault_once,
    "exit": _exit,
    "kill": _kill,
    "sleep": _sleep,
    "echo": _echo,
    "unreadable": _unreadable,
    "bug": _bug,
    "allocate": _allocate,
    "modules": _modules,
    "facts": _facts,
    "shapes": _shapes,
    "objects": _objects,
    "unspeakable": _unspeakable,
    "shout": _shout,
}
