"""The genotypes that a spec names: opened, and recognised again."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from cluster.storage import ObjectChanged, ObjectInfo, ObjectMissing, StorageSettings, open_store, split
from schemas.errors import RecordError, RefusedError, SpecError
from workers.genomics.contract import GenotypeSource
from workers.genomics.files.filesets import objects_of
from workers.genomics.files.opening import open_source
from workers.genomics.genotypes.settings import GenotypesInput
from workers.genomics.table.source import TableSource
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardStage

_TABLE = ("dataset.json", "variants.parquet", "samples.parquet", "parts.parquet", "genotypes/")
"""What a genotype table has."""


@dataclass(frozen=True)
class Identity:
    """What lies at the input: `digest` changes with any of its files."""

    digest: str
    bytes: int


class Genotypes:
    """One input. Files are opened when they are first needed; used from one thread."""

    def __init__(self, source: GenotypesInput, storage: StorageSettings) -> None:
        self.settings = source
        self._storage = storage

    @property
    def has_counts(self) -> bool:
        """Whether counts of the whole cohort are part of the format."""
        return self.settings.format == "table"

    @cached_property
    def opened(self) -> GenotypeSource:
        """The reader. Raises SpecError for files that cannot be used."""
        if self.settings.format != "table":
            return open_source(self.settings.format, self.settings.uri, self._storage, how=self.settings)
        table = TableSource(self.settings.uri, self._storage)
        if table.build is not None and self.settings.build not in (None, table.build):
            raise SpecError(f"input.build is {self.settings.build}, and the genotype table is of {table.build}")
        return table

    @property
    def build(self) -> str | None:
        """The genome build of the positions, where somebody says it."""
        if self.settings.build is None and isinstance(self.opened, TableSource):
            return self.opened.build
        return self.settings.build

    @cached_property
    def variants(self) -> pl.DataFrame:
        """The variants of the opened source, read once."""
        return self.opened.variants()

    @cached_property
    def samples(self) -> pl.DataFrame:
        """The samples of the opened source, read once."""
        return self.opened.samples()

    def identity(self) -> Identity:
        """What the genotypes are, by names, sizes and etags alone. Raises SpecError where nothing lies there."""
        found = list(self._objects())
        digest = digest_of(found)
        if digest is None:
            remedy = (
                "name table/ of a run of job: convert"
                if self.settings.format == "table"
                else "correct it (a folder of several sets ends with /)"
            )
            raise SpecError(f"input.uri: no genotypes of format {self.settings.format!r} lie there; {remedy}")
        return Identity(digest, sum(info.size for info in found))

    def _objects(self) -> Iterator[ObjectInfo]:
        if self.settings.format == "table":
            store = open_store(self.settings.uri, self._storage)
            for prefix in _TABLE:
                yield from store.list(prefix)
            return
        yield from objects_of(self.settings.format, self.settings.uri, self._storage)
        if self.settings.samples is not None:
            folder, name = split(self.settings.samples)
            yield from (info for info in open_store(folder, self._storage).list(name) if info.key == name)

    def check(self, digest: str) -> None:
        """Open it, and raise ObjectChanged if it is not what was planned, ObjectMissing if it is gone."""
        found = digest_of(list(self._objects()))
        if found is None:
            raise ObjectMissing
        if found != digest:
            raise ObjectChanged
        # Reads the small files: what is opened and kept now is what the digest is compared with.
        self.opened.samples()
        # What was replaced while it was opened is another one now; what is replaced later is found by who reads it.
        if digest_of(list(self._objects())) != digest:
            raise ObjectChanged

    @contextmanager
    def as_planned(self, digest: str) -> Iterator[GenotypeSource]:
        """Opened for a stage that needs all of it. Raises RefusedError where it is missing, changed or unreadable."""
        try:
            self.check(digest)
            yield self.opened
        except (ObjectMissing, ObjectChanged):
            raise RefusedError(
                "the genotypes at input.uri were changed since the run began: restore them, or choose another "
                "output.uri"
            ) from None
        except RecordError as error:
            raise RefusedError(f"the genotypes at input.uri cannot be read: {error.detail}") from None

    def close(self) -> None:
        """Give files back, if any were opened."""
        if "opened" in self.__dict__:
            self.opened.close()


def digest_of(objects: Sequence[ObjectInfo]) -> str | None:
    """One text for all of them; None if there are none."""
    digest = hashlib.sha256()
    for info in objects:
        digest.update(f"{info.key}\n{info.size}\n{info.etag}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32] if objects else None


class GenotypeStage(ShardStage):
    """A stage that has the genotypes at hand, and gives their files back at its end."""

    def __init__(self, context: StageContext, genotypes: Genotypes) -> None:
        self._context = context
        self._genotypes = genotypes

    def close(self) -> None:
        """Give files back."""
        self._genotypes.close()
