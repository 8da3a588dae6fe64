"""The child of `workers.pipeline.isolation`: score some records of one shard, a few at a time, and leave their rows."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc

from schemas.errors import NoMemoryError, WardroundError
from schemas.run import SIDE_KEY
from schemas.work import ShardTask
from workers.children import wire
from workers.children.lifeline import set_parent_death_signal
from workers.children.memory import Progress
from workers.finished_runs.side import as_text
from workers.pipeline.factory import open_stage
from workers.pipeline.kinds import ShardTable


def main() -> int:
    """Reads the request from standard input. Exit code: that of the error, 0 if all rows are there.

    On the shared page stands how many records are done, so that who dies or does not end over one is known.
    """
    request = json.load(sys.stdin)
    set_parent_death_signal(request["parent"])
    try:
        _score(request, Progress(request["page"]))
    except NoMemoryError:
        return wire.EXIT_MEMORY
    except WardroundError as error:
        sys.stderr.write(f"wardround: {error}\n")
        return error.exit_code
    return 0


def _score(request: dict[str, Any], progress: Progress) -> None:
    stage = open_stage(request["job"], request["cpus"], request["gpus"])
    stage.load_models()
    task = ShardTask(request["shard"], sample=tuple(request["sample"]))
    indices: Sequence[int] = request["indices"]
    records, step = stage.records(task), request["together"]
    with pa.OSFile(request["out"], "wb") as sink, ipc.new_stream(sink, stage.context.layout.schema) as writer:
        for start in range(0, len(indices), step):
            progress.publish(start)
            _write(writer, stage.score_now(task, records.take(pa.array(indices[start : start + step]))))
            sink.flush()
        progress.publish(len(indices))


def _write(writer: ipc.RecordBatchStreamWriter, scored: ShardTable) -> None:
    """One batch, which names the side objects that it vouches for."""
    (batch,) = scored.table.combine_chunks().to_batches()
    writer.write_batch(batch, custom_metadata={SIDE_KEY: as_text(scored.vouched)})


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # The rows are complete: threads of decoders and devices must not hang or crash as the interpreter ends.
    os._exit(code)
