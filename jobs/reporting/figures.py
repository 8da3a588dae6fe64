"""What a finished run came to, as data."""

from typing import Any

from schemas.run import Manifest


def figures(manifest: Manifest, run_uri: str) -> dict[str, Any]:
    """Plain JSON: records by status, totals of columns, tables of counts, seconds by step over all workers, the share
    of their processors that was busy (None where it is not known), what they counted, fingerprint."""
    return {
        "run_id": manifest.run_id,
        "name": manifest.name,
        "run": run_uri,
        "records": manifest.records,
        "statuses": dict(manifest.statuses),
        "totals": dict(manifest.totals),
        "tables": {title: [dict(row) for row in rows] for title, rows in manifest.tables.items()},
        "seconds_by_step": dict(manifest.seconds),
        "busy": manifest.busy,
        "counts": dict(manifest.counts),
        "fingerprint": manifest.fingerprint,
        "started": manifest.started,
        "finished": manifest.finished,
    }
