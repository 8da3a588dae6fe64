"""Decoding in threads of this process, for decoders that release the GIL."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

from schemas.crashpoints import crash_armed, crashpoint
from schemas.status import Status
from workers.children.contract import Request, Result
from workers.children.handle import build_handler, handle


class InlinePool:
    """Implements DecodePool without isolation: a crash is the worker's, nothing times out.

    One handler serves all threads, so it must not change itself. Raises what building the handler raises.
    A record that runs out of memory is `too_large`.
    """

    def __init__(self, entry: str, settings: Mapping[str, Any], threads: int) -> None:
        if threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        self._handler = build_handler(entry, settings)
        self._closed = False
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="decode")

    def submit(self, chunk: Sequence[Request]) -> Future[list[Result]]:
        """One result a request, in order, from a thread of this process; cancelled where the pool is closed."""
        if not self._closed:
            try:
                return self._threads.submit(self._decode, chunk)
            except RuntimeError:
                # The executor refuses after its shutdown, which `close` may have begun since the line above.
                if not self._closed:
                    raise
        future: Future[list[Result]] = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future

    def close(self) -> None:
        """Cancel what has not begun; chunks under way end with their record at hand."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> InlinePool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decode(self, chunk: Sequence[Request]) -> list[Result]:
        armed = crash_armed("decode.record")
        return [self._one(request, armed) for request in chunk]

    def _one(self, request: Request, armed: bool) -> Result:
        if self._closed:
            raise CancelledError
        if armed:
            crashpoint("decode.record", request.record_id)
        began = time.thread_time()
        try:
            return handle(self._handler, request)
        except MemoryError:
            seconds = time.thread_time() - began
            return Result(status=Status.TOO_LARGE, detail="decoding needs more memory than there is", seconds=seconds)
