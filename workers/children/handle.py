"""Run a handler on one record, with the same outcome in a child and in a thread."""

import importlib
import time
from collections.abc import Mapping
from typing import Any

from schemas.errors import RecordError, WardroundError
from schemas.extras import missing_extra
from workers.children.contract import Handler, Request, Result
from workers.children.memory import SharedBytes


def build_handler(entry: str, settings: Mapping[str, Any]) -> Handler:
    """Import `module:function` and build its handler. Raises what the import or the function raises."""
    module, colon, function = entry.partition(":")
    if not colon:
        raise WardroundError(f"decoder entry {entry!r} must read 'module:function'")
    build = getattr(importlib.import_module(module), function)
    handler: Handler = build(settings)
    return handler


def handle(handler: Handler, request: Request) -> Result:
    """Raises MemoryError, and WardroundError for a bug in the handler; RecordError becomes the result."""
    began = time.thread_time()
    try:
        data = request.data.view if isinstance(request.data, SharedBytes) else memoryview(request.data)
        arrays, meta = handler(data, request.context)
    except RecordError as error:
        return Result(status=error.status, detail=error.detail, seconds=time.thread_time() - began)
    except (MemoryError, WardroundError):
        raise
    except ModuleNotFoundError as error:
        raise missing_extra(error) or WardroundError(f"{error.name} is missing, a part of wardround itself") from None
    except Exception as error:  # noqa: BLE001 - any bug of any decoder, to be kept apart from our own
        # Without the message and the chain: both may quote the record.
        raise WardroundError(f"decoding or a prepare step has a bug: {type(error).__name__} {_place(error)}") from None
    return Result(arrays, meta, seconds=time.thread_time() - began)


def _place(error: Exception) -> str:
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    if frames is None:
        return "at an unknown place"
    return f"in {frames.tb_frame.f_globals.get('__name__')} line {frames.tb_lineno}"
