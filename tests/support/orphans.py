"""A parent to be killed: starts a pool, says its children's process ids, waits."""

from __future__ import annotations

import sys
import time

from workers.children.child_pool import ChildPool
from workers.children.contract import Request

if __name__ == "__main__":
    pool = ChildPool("tests.support.decoders:build", {}, 2)
    chunks = [pool.submit([Request(b"sleep 0.3")]) for _ in range(2)]
    for chunk in chunks:
        chunk.result()
    busy = pool.submit([Request(b"sleep 600")])
    print(*pool.pids, flush=True)
    time.sleep(float(sys.argv[1]))
