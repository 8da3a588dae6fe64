"""The calls of a panel's variants in some samples, held packed, and encoded for the network a batch at a time."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.contract import MISSING, GenotypeChunk
from workers.genomics.genotypes.ploidy import Numbers
from workers.genomics.scores.joined import JoinedSites, members_of

Float = NDArray[np.float32]

PLACES: dict[str, Any] = {"place": pl.Int64, "variant_idx": pl.Int64, "flip": pl.UInt8, "others": pl.List(pl.Int64)}
"""What matching finds: which variant stands at which place of the panel; `flip`: its effect allele is REF; `others` as
in `workers.genomics.scores.log.ENTRY_SCHEMA`."""


class Encoding:
    """How copies of each variant's effect allele become the network's input: `(copies - centre) / deviation`."""

    def __init__(self, frequency: NDArray[np.float64], scale: str) -> None:
        self.frequency = frequency
        self.centre = 2 * frequency if scale != "copies" else np.zeros_like(frequency)
        self.deviation = np.ones_like(frequency)
        if scale == "standardise":
            self.deviation = np.sqrt(2 * frequency * (1 - frequency))

    def of(self, copies: NDArray[np.float64], places: Numbers) -> Float:
        """(variants, ...) copies at these places, encoded."""
        shape = (len(places), *(1,) * (copies.ndim - 1))
        centred = copies - self.centre[places].reshape(shape)
        return np.asarray(centred / self.deviation[places].reshape(shape), np.float32)


class Panel:
    """A panel as it was matched. `places` is of `PLACES`."""

    def __init__(self, places: pl.DataFrame, encoding: Encoding) -> None:
        members = members_of(places["variant_idx"].to_numpy(), places["others"])
        self.sites = JoinedSites.of(site for site in members if site is not None)
        numbers = self.sites.numbered(places["variant_idx"].to_numpy(), members)
        ordered = places.with_columns(variant_idx=numbers).sort("variant_idx")
        self.variant_idx: Numbers = ordered["variant_idx"].to_numpy()
        """Records, and joined sites behind them"""
        self.place: Numbers = ordered["place"].to_numpy()
        self.encoding = encoding
        self.length = len(encoding.frequency)
        flip = ordered["flip"].to_numpy().astype(np.float64)[:, None]
        two = np.abs(2 * flip - np.array([0.0, 1.0, 2.0]))
        filled = 2 * encoding.frequency[self.place][:, None]
        copies = np.concatenate([two, filled], axis=1)
        self.flip = flip[:, 0] > 0
        self.tables = encoding.of(copies, self.place)
        """(matched, 4): what each code becomes"""
        self.haploid_tables = encoding.of(copies / 2, self.place)
        """The same where a call has one allele"""
        every = np.arange(self.length)
        self.absent = encoding.of(2 * encoding.frequency, every)
        """(panel,): what stands where the variant itself is missing"""

    @property
    def records(self) -> Numbers:
        """The records that it needs, ascending."""
        return self.sites.read_for(self.variant_idx)


class PanelMatrix:
    """The calls of a panel in some samples."""

    def __init__(self, panel: Panel, samples: int) -> None:
        self.panel = panel
        self.samples = samples
        self._packed = np.full((len(panel.variant_idx), -(-samples // 4)), 0xFF, np.uint8)
        self._haploid: dict[int, NDArray[np.uint8]] = {}
        self._dosage: dict[int, Float] = {}
        self.filled = np.full(samples, panel.length - len(panel.variant_idx), np.int64)
        """(samples,): places that hold the panel's own frequency, once a sample was encoded"""

    def add(self, chunk: GenotypeChunk) -> None:
        """Take in what is there of the panel."""
        known = self.panel.variant_idx
        if not len(known):
            return
        rows = np.minimum(np.searchsorted(known, chunk.variant_idx), len(known) - 1)
        take = np.flatnonzero(known[rows] == chunk.variant_idx)
        rows = rows[take]
        self._packed[rows] = chunk.packed[take]
        if chunk.haploid is not None:
            marked = np.flatnonzero(chunk.haploid[take].any(axis=1))
            self._haploid |= {int(rows[i]): chunk.haploid[take[i]].copy() for i in marked}
        if chunk.dosage is not None:
            self._dosage |= {int(row): chunk.dosage[at].copy() for row, at in zip(rows, take, strict=True)}

    def inputs(self, first: int, last: int) -> Float:
        """(records, panel) float32 for the samples `first` to `last - 1` of the shard, in the panel's order."""
        panel = self.panel
        codes = _unpacked(self._packed, first, last)
        values = np.take_along_axis(panel.tables, codes, axis=1)
        missing = (codes == MISSING).sum(axis=0)
        for row, bits in self._haploid.items():
            one = np.unpackbits(bits, bitorder="little", count=last)[first:].astype(np.bool_)
            values[row, one] = panel.haploid_tables[row][codes[row, one]]
        for row, dosage in self._dosage.items():
            part = dosage[first:last].astype(np.float64)
            values[row] = self._of_dosage(row, part, first, last)
            missing += np.isnan(part).astype(np.int64) - (codes[row] == MISSING)
        self.filled[first:last] = panel.length - len(panel.variant_idx) + missing
        out = np.empty((last - first, panel.length), np.float32)
        out[:] = panel.absent
        out[:, panel.place] = values.T
        return out

    def haploid_places(self, samples: int) -> list[NDArray[np.int64]]:
        """The places at which each of the first samples has one allele, ascending."""
        rows = np.array(sorted(self._haploid), np.int64)
        if not len(rows):
            return [np.zeros(0, np.int64)] * samples
        bits = np.stack([np.unpackbits(self._haploid[int(row)], bitorder="little", count=samples) for row in rows])
        return [np.sort(self.panel.place[rows[bits[:, sample] > 0]]) for sample in range(samples)]

    def _of_dosage(self, row: int, dosage: NDArray[np.float64], first: int, last: int) -> Float:
        panel, place = self.panel, self.panel.place[row : row + 1]
        copies = 2 - dosage if panel.flip[row] else dosage
        copies = np.where(np.isnan(copies), 2 * panel.encoding.frequency[place], copies)
        bits = self._haploid.get(row)
        if bits is not None:
            one = np.unpackbits(bits, bitorder="little", count=last)[first:].astype(np.bool_)
            copies = np.where(one, copies / 2, copies)
        encoded: Float = panel.encoding.of(copies[None], place)[0]
        return encoded


def _unpacked(packed: NDArray[np.uint8], first: int, last: int) -> NDArray[np.uint8]:
    """(rows, last - first) codes of these samples."""
    part = packed[:, first // 4 : -(-last // 4)]
    codes = np.stack([(part >> shift) & 3 for shift in (0, 2, 4, 6)], axis=2).reshape(len(packed), -1)
    begin = first % 4
    return codes[:, begin : begin + last - first]
