"""Which DICOM images this machine can decode, for `wardround doctor`."""

from collections.abc import Iterator

from schemas.finding import Finding
from workers.images.decoding.transfer_syntax import decoders


def examine() -> Iterator[Finding]:
    """How many transfer syntaxes have a decoder, and what to install for each that has none."""
    known = decoders()
    able = [status for status in known if status.available]
    yield Finding("decoders", "ok", f"{len(able)} of {len(known)} transfer syntaxes")
    for status in known:
        if status.packages and not status.available:
            yield Finding("decoders", "warn", f"none for {status.name}", status.remedy)
    hopeless = sum(not status.packages for status in known)
    if hopeless:
        yield Finding("decoders", "ok", f"{hopeless} video and streaming syntaxes are never decoded (unsupported)")
