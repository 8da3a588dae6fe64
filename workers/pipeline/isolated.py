"""The child of `workers.pipeline.isolation`: score some records of one shard and leave the rows in a file."""

import json
import os
import sys

import pyarrow as pa
import pyarrow.ipc as ipc

from schemas.errors import WardroundError
from schemas.run import SIDE_KEY
from schemas.work import ShardTask
from workers.children.lifeline import set_parent_death_signal
from workers.finished_runs.side import as_text
from workers.pipeline.factory import open_stage


def main() -> int:
    """Reads the request from standard input. Exit code: that of the error, 0 if the file is complete."""
    request = json.load(sys.stdin)
    set_parent_death_signal(request["parent"])
    try:
        stage = open_stage(request["job"], request["cpus"], request["gpus"])
        stage.load_models()
        task = ShardTask(request["shard"], sample=tuple(request["sample"]))
        scored = stage.score_now(task, stage.records(task).take(pa.array(request["indices"])))
    except WardroundError as error:
        sys.stderr.write(f"wardround: {error}\n")
        return error.exit_code
    table = scored.table.replace_schema_metadata({SIDE_KEY: as_text(scored.vouched)})
    with pa.OSFile(request["out"], "wb") as sink, ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # The file is complete: threads of decoders and devices must not hang or crash as the interpreter ends.
    os._exit(code)
