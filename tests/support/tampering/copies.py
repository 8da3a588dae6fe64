"""A copy of a finished run that somebody changes, who knows how a document is sealed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from schemas.sealed_json import sealed

MANIFEST, RUN = "manifest.json", "run.json"


class NotHere(Exception):
    """The run has nothing that this could be done to."""


class Copy:
    """A copy of a run directory that is being changed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, key: str = MANIFEST) -> dict[str, Any]:
        """A document of it."""
        found: dict[str, Any] = json.loads((self.root / key).read_text())
        return found

    def write(self, document: dict[str, Any], key: str = MANIFEST) -> None:
        """Put it back, sealed anew; the manifest then agrees with it."""
        (self.root / key).write_bytes(sealed(document))
        if key != MANIFEST:
            self.agree(key)

    def agree(self, *keys: str, **counts: Any) -> None:
        """Have the manifest say what lies there under these keys."""
        manifest = self.read()
        for record in manifest["files"]:
            if record["key"] in keys:
                body = (self.root / record["key"]).read_bytes()
                record |= {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), **counts}
        self.write(manifest)

    def drop(self, begin: str) -> None:
        """Take what begins so out of the manifest."""
        manifest = self.read()
        manifest["files"] = [record for record in manifest["files"] if not record["key"].startswith(begin)]
        self.write(manifest)

    def shards(self) -> list[str]:
        """Keys of the rows of the last stage."""
        found = [each["key"] for each in self.read()["files"] if each["rows"] is not None]
        return [key for key in found if not key.startswith("stages/")]

    def beside(self) -> list[str]:
        """Keys of what rows vouch for."""
        kinds = (RUN, "/shard-", "plan-", "tuning/")
        found = [each["key"] for each in self.read()["files"]]
        return need([key for key in found if not any(kind in key for kind in kinds)])

    def stages(self) -> list[str]:
        """Directories of the stages before the last one."""
        return need([f"stages/{path.name}/" for path in sorted((self.root / "stages").glob("*"))])

    def flip(self, key: str) -> None:
        """Turn one bit of an object."""
        body = bytearray((self.root / key).read_bytes())
        body[len(body) // 3] ^= 1
        (self.root / key).write_bytes(body)


def need(found: list[str]) -> list[str]:
    """These, if there are any."""
    if not found:
        raise NotHere
    return found
