"""Small tables that prepare steps name: frequencies, and principal components by sample."""

import hashlib
import tempfile
from pathlib import Path

import polars as pl

from cluster.storage import ObjectMissing, ObjectTooLarge, StorageSettings, open_store, split
from schemas.errors import SpecError
from schemas.wording import counted
from workers.genomics.scores.frequencies import given_frequencies
from workers.pipeline.context import StageContext

_LIMIT = 8 << 30


def file_digest(uri: str, storage: StorageSettings) -> str:
    """sha256 of a table. Raises SpecError if it is not there."""
    folder, name = split(uri)
    try:
        return open_store(folder, storage).sha256(name)
    except ObjectMissing:
        raise SpecError(f"{uri}: is not there; correct the prepare step that names it") from None


def body_of(uri: str, storage: StorageSettings, digest: str) -> bytes:
    """The table that the run was planned with. Raises SpecError where it is another one now, or gone."""
    folder, name = split(uri)
    try:
        body = open_store(folder, storage).get(name, max_bytes=_LIMIT)
    except (ObjectMissing, ObjectTooLarge):
        raise SpecError(f"{uri}: is missing, or larger than {_LIMIT >> 30} GiB") from None
    if hashlib.sha256(body).hexdigest() != digest:
        raise SpecError(f"{uri}: was changed since the run was planned; restore it, or choose another output.uri")
    return body


def frequencies_at(uri: str, storage: StorageSettings, digest: str, variants: pl.DataFrame) -> pl.DataFrame:
    """`variant_idx`, `alt_freq` of a table that the run was planned with."""
    name = split(uri)[1]
    with tempfile.TemporaryDirectory(prefix="wardround-frequencies-") as folder:
        path = Path(folder) / name
        path.write_bytes(body_of(uri, storage, digest))
        try:
            found = given_frequencies(path, variants)
        except SpecError as error:
            raise SpecError(str(error).replace(str(path), uri)) from None
    if variants.height and not found["alt_freq"].count():
        raise SpecError(
            f"{uri}: has none of the {counted(variants.height, 'variant')} of the genotypes: its positions, ids "
            "or alleles are others; correct impute.frequencies"
        )
    return found


def planned_frequencies(context: StageContext, uri: str, variants: pl.DataFrame) -> pl.DataFrame:
    """`frequencies_at` in a worker, by the digest that the run was planned with."""
    return frequencies_at(uri, context.storage, context.run.parts["state"]["tables"][uri], variants)


def components_at(uri: str, storage: StorageSettings, digest: str, samples: pl.DataFrame) -> pl.DataFrame:
    """A row a sample, in their order, of all components as floats; null where the table has not the sample.

    The table is `.eigenvec` of plink2, or any TSV, CSV or Parquet with a column `IID` (`#IID`, `iid`), maybe `FID`, and
    columns of numbers. Raises SpecError with what is wrong.
    """
    body = body_of(uri, storage, digest)
    try:
        table = pl.read_parquet(body) if body[:4] == b"PAR1" else _text(body)
    except pl.exceptions.PolarsError:
        raise SpecError(
            f"{uri}: cannot be read as a table of components: save it as text with tabs or commas, or as Parquet"
        ) from None
    table = table.rename({name: name.lstrip("#").lower() for name in table.columns})
    if "iid" not in table.columns:
        raise SpecError(f"{uri}: has no column IID: call the column of the samples' ids so")
    names = [name for name in table.columns if name not in ("iid", "fid", "sid")]
    keys = ["iid"] if samples["iid"].is_unique().all() or "fid" not in table.columns else ["fid", "iid"]
    table = table.with_columns(pl.col(keys).cast(pl.String))
    try:
        table = table.select(*keys, pl.col(names).cast(pl.Float64))
    except pl.exceptions.PolarsError:
        raise SpecError(f"{uri}: a column beside IID and FID holds something else than numbers") from None
    if not names or table.select(keys).is_duplicated().any():
        raise SpecError(f"{uri}: has no column of numbers, or a sample twice")
    if samples.height and not table.join(samples, on=keys, how="semi").height:
        raise SpecError(f"{uri}: has none of the samples of the genotypes: its ids must be theirs")
    return samples.select(keys).join(table, on=keys, how="left", maintain_order="left").select(names)


def _text(body: bytes) -> pl.DataFrame:
    first = body[: body.find(b"\n")]
    separator = "\t" if b"\t" in first else "," if b"," in first else " "
    return pl.read_csv(body, separator=separator, infer_schema_length=None, null_values=["NA", "nan", ""])
