"""What may be changed in manifest, run file and plan. But for those called `plain`, all documents agree afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.planning.fingerprint import fingerprint_of
from tests.support.tampering.copies import MANIFEST, RUN, Copy, need


def _field(**values: Any) -> Callable[[Copy], None]:
    def change(copy: Copy) -> None:
        copy.write({**copy.read(), **values})

    return change


def _plain(**values: Any) -> Callable[[Copy], None]:
    def change(copy: Copy) -> None:
        (copy.root / MANIFEST).write_text(json.dumps({**copy.read(), **values}, indent=1))

    return change


def _body(body: bytes) -> Callable[[Copy], None]:
    def change(copy: Copy) -> None:
        (copy.root / MANIFEST).write_bytes(body)

    return change


def _one_status(copy: Copy) -> None:
    manifest = copy.read()
    manifest["statuses"] = {"crashed_worker": manifest["records"]}
    copy.write(manifest)


def _first_shard(**values: Any) -> Callable[[Copy], None]:
    def change(copy: Copy) -> None:
        copy.agree(copy.shards()[0], **values)

    return change


def _no_seal(copy: Copy) -> None:
    manifest = copy.read()
    del manifest["seal"]
    (copy.root / MANIFEST).write_text(json.dumps({**manifest, "busy": 0.99}, indent=1))


def _other_order(copy: Copy) -> None:
    manifest = copy.read()
    copy.write({**manifest, "files": [*manifest["files"], manifest["files"][0]]})


def _outside(copy: Copy) -> None:
    manifest = copy.read()
    body = b"none of the run's"
    (copy.root.parent / "outside.txt").write_bytes(body)
    record = {"key": "../outside.txt", "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    copy.write({**manifest, "files": [*manifest["files"], record]})


def _named_stranger(copy: Copy) -> None:
    manifest = copy.read()
    body = b"none of the run's"
    (copy.root / "stranger.txt").write_bytes(body)
    record = {"key": "stranger.txt", "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    copy.write({**manifest, "files": [*manifest["files"], record]})


def _run_off_the_disk(copy: Copy) -> None:
    (copy.root / RUN).unlink()


def _run_off_both(copy: Copy) -> None:
    (copy.root / RUN).unlink()
    copy.drop(RUN)


def _run_off_the_manifest(copy: Copy) -> None:
    copy.drop(RUN)


def _run_field(**values: Any) -> Callable[[Copy], None]:
    def change(copy: Copy) -> None:
        copy.write({**copy.read(RUN), **values}, RUN)

    return change


def _run_plain(copy: Copy) -> None:
    run = copy.read(RUN)
    run["spec"]["limits"]["max_rejects"] = 0.5
    (copy.root / RUN).write_text(json.dumps(run, indent=1))
    copy.agree(RUN)


def _run_parts(copy: Copy) -> None:
    run = copy.read(RUN)
    run["parts"]["shard_records"] = 3
    copy.write(run, RUN)


def _run_of_another_fingerprint(copy: Copy) -> None:
    run = copy.read(RUN)
    run["parts"]["shard_records"] = 3
    print_ = fingerprint_of(run["parts"])
    copy.write({**run, "fingerprint": print_, "run_id": print_[:12]}, RUN)
    copy.write({**copy.read(), "fingerprint": print_, "run_id": print_[:12]})


def _model_digest(copy: Copy) -> None:
    run = copy.read(RUN)
    for model in need(list(run["models"])):
        run["models"][model]["sha256"] = "0" * 64
    copy.write(run, RUN)


def _plan(copy: Copy) -> str:
    return str(copy.read(RUN)["plan"]["key"])


def _plan_off_the_disk(copy: Copy) -> None:
    (copy.root / _plan(copy)).unlink()


def _plan_off_both(copy: Copy) -> None:
    (copy.root / _plan(copy)).unlink()
    copy.drop("plan-")


def _plan_flipped(copy: Copy) -> None:
    copy.flip(_plan(copy))


def _plan_of_fewer(copy: Copy) -> None:
    """The plan without its last shard, whose rows are gone as well; all documents agree."""
    run, last = copy.read(RUN), need(copy.shards()[1:])[-1]
    path = copy.root / run["plan"]["key"]
    file = pq.ParquetFile(path)
    groups = [file.read_row_group(group) for group in range(file.num_row_groups - 1)]
    rows = pa.concat_tables(groups)
    file.close()
    with pq.ParquetWriter(path, rows.schema) as writer:
        for group in groups:
            writer.write_table(group)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    plan = {**run["plan"], "sha256": digest, "records": rows.num_rows, "shards": len(groups)}
    if plan["ends"]:
        plan["ends"] = plan["ends"][:-1]
    (copy.root / last).unlink()
    copy.drop(last)
    copy.agree(run["plan"]["key"])
    copy.write({**run, "plan": plan, "parts": {**run["parts"], "plan": digest}}, RUN)
    copy.write({**copy.read(), "records": rows.num_rows})


DOCUMENTS: dict[str, Callable[[Copy], None]] = {
    "the name of the manifest": _field(name="another"),
    "the fingerprint of the manifest": _field(fingerprint="0" * 64),
    "the run id of the manifest": _field(run_id="0" * 12),
    "the number of records": _field(records=7),
    "the statuses": _one_status,
    "a total": _field(totals={"score": 1.0}),
    "a table": _field(tables={"events by type": [{"type": "Observation", "records": 1}]}),
    "a signpost": _field(signposts=[{"title": "t", "meaning": "m", "files": "*"}]),
    "the time of the start": _field(started="2020-01-01T00:00:00+00:00"),
    "an end before the start": _field(finished="2020-01-01T00:00:00+00:00"),
    "an end that is no time": _field(finished="yesterday"),
    "the time of the end, plain": _plain(finished="2099-01-01T00:00:00+00:00"),
    "the seconds, plain": _plain(seconds={"read": 1.0}),
    "how busy it was, plain": _plain(busy=0.99),
    "the attempt, plain": _plain(attempt="0" * 32),
    "a key that no manifest has, plain": _plain(more=1),
    "the seal taken off": _no_seal,
    "a manifest that is empty": _body(b""),
    "a manifest that is a list": _body(b"[]"),
    "a manifest cut short": _body(b'{"format_version": 1, '),
    "a file named twice": _other_order,
    "a file outside the run": _outside,
    "a stranger that the manifest names": _named_stranger,
    "the rows of a shard in the manifest": _first_shard(rows=99),
    "the statuses of a shard in the manifest": _first_shard(statuses={"ok": 1}),
    "the side objects of a shard in the manifest": _first_shard(side=99),
    "the totals of a shard in the manifest": _first_shard(totals={"score": (1.0, 1)}),
    "run.json off the disk": _run_off_the_disk,
    "run.json off the manifest": _run_off_the_manifest,
    "run.json off both": _run_off_both,
    "the name in run.json": _run_field(name="another"),
    "the run id in run.json": _run_field(run_id="0" * 12),
    "the time in run.json": _run_field(created="2020-01-01T00:00:00+00:00"),
    "the limits in run.json, plain": _run_plain,
    "the parts in run.json": _run_parts,
    "another fingerprint everywhere but in the rows": _run_of_another_fingerprint,
    "the digest of a model": _model_digest,
    "the plan off the disk": _plan_off_the_disk,
    "the plan off both": _plan_off_both,
    "a bit of the plan": _plan_flipped,
    "a plan of fewer records": _plan_of_fewer,
}
