"""Which files there are, what their headers say, and how they are cut."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from cluster.storage import ObjectInfo, ObjectMissing, ObjectTooLarge, StorageSettings, Store, open_store, split
from schemas.errors import SpecError
from workers.genomics.contract import SAMPLE_SCHEMA
from workers.genomics.convert_vcf.header import Header, read_header
from workers.genomics.convert_vcf.settings import DOSAGE, MIN_DP, MIN_GQ, VcfInput
from workers.genomics.files.bcf_records import contigs_of
from workers.genomics.sample_sex import sexes_of, with_sex
from workers.genomics.table.collection import samples_digest
from workers.genomics.table.layout import STRIDE
from workers.genomics.table.records import Chunk
from workers.reading.listing import locate, named_file, nothing_fits

_ENDS = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")
_READS = 8
_SEX_BYTES = 256 << 20
_SHOWN = 12
"""Fields that an error names"""


@dataclass(frozen=True)
class VcfFile:
    """One file of the input."""

    info: ObjectInfo
    header: Header


class VcfFiles:
    """The files of an input, read once."""

    def __init__(self, source: VcfInput, storage: StorageSettings) -> None:
        self._source = source
        self._storage = storage
        self._store, self._only = root_of(source, storage)

    @property
    def uri(self) -> str:
        """Under which the keys lie."""
        return self._store.uri

    @cached_property
    def samples(self) -> pl.DataFrame:
        """The samples of the first file."""
        return sample_frame(self.files[0].header.samples if self.files else (), self._source.sex, self._storage)

    @cached_property
    def files(self) -> Sequence[VcfFile]:
        """Every file, by key. Raises SpecError where there is none, one has no header, or other samples."""
        with ThreadPoolExecutor(_READS) as pool:
            found = list(pool.map(self._opened, self._infos()))
        for number, file in enumerate(found[1:], 2):
            if file.header.samples != found[0].header.samples:
                raise SpecError(
                    f"file {number} of input.uri has other samples than the first, or in another order: "
                    "convert them into one table only if they are the same, as with bcftools view -S"
                )
        _refuse_undeclared(self._source, [file.header for file in found])
        return found

    def _none(self) -> SpecError:
        ends = ", ".join(_ENDS)
        if locate(self._source.uri, self._storage)[1] is not None:
            return SpecError(f"input.uri is a file that does not end with {ends}: rename it to what it is")
        return nothing_fits(self._store, f"no file that ends with {ends}: correct it")

    def _infos(self) -> list[ObjectInfo]:
        if self._only is not None:
            return [named_file(self._store, self._only)]
        return [info for info in self._store.list() if info.key.lower().endswith(_ENDS)]

    def _opened(self, info: ObjectInfo) -> VcfFile:
        name = f"a file of input.uri, {info.key!r}"
        return VcfFile(info, header_of(self._store, info.key, info.etag, info.size, self._source, name))

    def chunks(self) -> Iterator[Chunk]:
        """The whole input, cut."""
        if not self.files:
            raise self._none()
        number = 0
        for place, file in enumerate(self.files):
            for start, stop in _cuts(file, self._source.chunk_bytes):
                yield Chunk(
                    key=file.info.key,
                    etag=file.info.etag,
                    size=stop - start,
                    kind="bcf" if file.header.is_bcf else f"vcf {file.header.packing}",
                    file=place,
                    file_size=file.info.size,
                    start=start,
                    stop=stop,
                    first=number * STRIDE,
                )
                number += 1

    def state(self) -> Mapping[str, Any]:
        """What workers go by."""
        if not self.files:
            return {}
        # Which file has their names stands in the plan: a run file holds no name of a file.
        return {"samples": samples_digest(self.samples)}


def root_of(source: VcfInput, storage: StorageSettings) -> tuple[Store, str | None]:
    """Where the keys of the files lie, and the one file that `uri` names, if it does."""
    if source.uri.lower().endswith(_ENDS):
        folder, name = split(source.uri)
        return open_store(folder, storage), name
    # A worker asks this, too, and has nothing to look for: only planning tells a folder from a file.
    return open_store(source.uri, storage), None


def header_of(store: Store, key: str, etag: str, size: int, source: VcfInput, name: str) -> Header:
    """The header of a planned file. Raises SpecError, ObjectMissing and ObjectChanged."""
    return read_header(lambda start, length: store.get(key, start, length, if_etag=etag), size, source.max_header, name)


def sample_frame(names: Sequence[str], sex: str | None, storage: StorageSettings) -> pl.DataFrame:
    """Samples of VCF have a name only; `sex` names a table of their sex. Raises SpecError."""
    rows = {"sample_idx": range(len(names)), "fid": [None] * len(names), "iid": names, "sex": [0] * len(names)}
    samples = pl.DataFrame(rows, schema=SAMPLE_SCHEMA)
    if sex is None:
        return samples
    folder, name = split(sex)
    try:
        body = open_store(folder, storage).get(name, max_bytes=_SEX_BYTES)
    except (ObjectMissing, ObjectTooLarge):
        raise SpecError(f"input.sex: {sex} is not there, or larger than {_SEX_BYTES >> 20} MiB: correct it") from None
    return with_sex(samples, sexes_of(body, "input.sex", list(names)))


def fields_asked(source: VcfInput) -> dict[str, str]:
    """The settings that name a field of the files, and the field."""
    asked = {DOSAGE: source.dosage, MIN_GQ: source.min_gq and "GQ", MIN_DP: source.min_dp and "DP"}
    return {name: str(field) for name, field in asked.items() if field}


def _refuse_undeclared(source: VcfInput, headers: Sequence[Header]) -> None:
    """Raises SpecError for a field that headers which declare fields do not."""
    for kind, asked in ((b"FORMAT", fields_asked(source)), (b"INFO", {f"min_info: {n}": n for n in source.min_info})):
        of_all = [header.declared(kind) for header in headers]
        declared = frozenset[str]().union(*of_all)
        for name, field in asked.items():
            if all(of_all) and field not in declared:
                there = ", ".join(sorted(declared)[:_SHOWN])
                raise SpecError(
                    f"input.{name} asks for {field}, and no header of input.uri declares it as {kind.decode()} "
                    f"(it has {there}): correct the spec"
                )


def _cuts(file: VcfFile, chunk_bytes: int) -> Iterator[tuple[int, int]]:
    """Text and BGZF can be cut anywhere, also where they are BCF; plain gzip is read from its start only, and so is BCF
    whose header has no contigs, by which its records are found."""
    header, size = file.header, file.info.size
    if header.packing == "gzip" or (header.is_bcf and not contigs_of(header.text)):
        yield header.start, max(size, header.start + 1)
        return
    for start in range(header.start, max(size, header.start + 1), chunk_bytes):
        yield start, max(min(start + chunk_bytes, size), start + 1)
