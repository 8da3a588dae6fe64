"""The genome builds that positions can be of."""

from typing import Annotated, Literal

from pydantic import BeforeValidator

_UCSC = {"hg19": "GRCh37", "b37": "GRCh37", "37": "GRCh37", "hg38": "GRCh38", "b38": "GRCh38", "38": "GRCh38"}


def _told(build: object) -> object:
    """As it stands; another name of a build is refused with ours, since a file may mean the contigs of another."""
    ours = _UCSC.get(str(build).lower()) or next((one for one in ("GRCh37", "GRCh38") if _begins(build, one)), None)
    if ours is None or build == ours:
        return build
    raise ValueError(f"must be 'GRCh37' or 'GRCh38': for {build!r} write {ours}")


def _begins(build: object, name: str) -> bool:
    return isinstance(build, str) and build.lower().startswith(name.lower())


GenomeBuild = Annotated[Literal["GRCh37", "GRCh38"], BeforeValidator(_told)]
