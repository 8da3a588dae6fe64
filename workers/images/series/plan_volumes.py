"""Which slices are which volume: the rule, from the facts of their headers alone."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from schemas.status import Status
from workers.images.series.duplicates import Compared, in_blocks, without_copies
from workers.images.series.facts import SeriesVolume, SliceFacts
from workers.images.series.geometry import has_no_geometry
from workers.images.series.grouping import Part, stacks
from workers.images.series.interleaved import interleaved
from workers.images.series.pieces import REASON, whole_stacks
from workers.images.series.splitting import places, split_repeats
from workers.images.series.stacking import refused, stack_of, volume_of

_LOCALIZERS = frozenset({"LOCALIZER", "SCOUT", "TOPOGRAM"})
_FEW = 4


@dataclass(frozen=True)
class _Settled:
    """A part in which no place comes twice, or comes twice for no reason that the headers give."""

    compared: Compared
    at_one_place: bool = False


def plan_volumes(facts: Iterable[SliceFacts]) -> list[SeriesVolume]:
    """Every slice in exactly one volume, or in an entry that says why it is in none; in whatever order slices come.

    Slices are of one volume if they have one series, size, pixel spacing, frame of reference and orientation (within
    1e-3). Only where places come twice, echo, b-value, time and the like (`splitting.TRAITS`) tell volumes apart.
    What none of them does is a copy, if its `digest` says so, else `duplicate_conflict`: so digests are wanted for what
    `keys_to_compare` names, and this is called again with them.

    The places along the normal are put on a line: 0.05 mm or 2 % of the distance of slices may be between. Whole steps
    that lack make an incomplete series; other gaps variable spacing. Nothing is ever filled in.
    """
    found = [volume for series in _by_series(facts) for volume in _plan_series(series)]
    return sorted(_numbered(found), key=lambda volume: volume.volume_id)


def keys_to_compare(facts: Iterable[SliceFacts]) -> frozenset[str]:
    """Objects whose pixels have to be compared before it is known what they are, since they lie where another does
    and no attribute tells them apart; usually none."""
    return frozenset(
        slice_.key
        for series in _by_series(facts)
        for part, broken in whole_stacks(stacks(_sorted_out(series).placed))
        if not broken
        for settled in _settle(part)
        for slice_ in settled.compared.unknown
    )


@dataclass(frozen=True)
class _SortedOut:
    """A series without what has no place in it."""

    placed: list[SliceFacts]
    localizers: list[SliceFacts]
    nowhere: list[SliceFacts]


def _by_series(facts: Iterable[SliceFacts]) -> list[list[SliceFacts]]:
    """Slices of a series in an order of their own, each once. An object that names no series is one by itself."""
    once = {(slice_.key, slice_.frame, slice_.corner or (-1, -1)): slice_ for slice_ in facts}
    found: defaultdict[tuple[str, str], list[SliceFacts]] = defaultdict(list)
    for name in sorted(once):
        slice_ = once[name]
        found[(slice_.series_uid or "", "" if slice_.series_uid else slice_.key)].append(slice_)
    return [found[name] for name in sorted(found)]


def _plan_series(series: list[SliceFacts]) -> list[SeriesVolume]:
    first = series[0]
    name = first.series_uid or first.sop_uid or first.key
    contradiction = _contradiction(series)
    if contradiction:
        return [refused(series, name, Status.UNREADABLE, contradiction)]
    sorted_out = _sorted_out(series)
    parts = stacks(sorted_out.placed)
    volumes: list[SeriesVolume] = []
    for part, broken in whole_stacks(parts):
        if broken:
            volumes.append(refused(part.slices, _id(name, part.labels), Status.VARIABLE_SPACING, REASON))
        else:
            volumes += _plan_part(part, name, _crosses(part, parts))
    if sorted_out.localizers:
        volumes.append(refused(sorted_out.localizers, f"{name}#localizer", Status.LOCALIZER, "a localizer"))
    if sorted_out.nowhere:
        volumes = [_lacking(volume, sorted_out.nowhere) for volume in volumes]
        volumes.append(_nowhere(sorted_out.nowhere, name))
    return volumes


def _nowhere(slices: Sequence[SliceFacts], name: str) -> SeriesVolume:
    """An entry for slices without a place: why none of them can be read, else what most of them lack."""
    faults = [slice_.fault for slice_ in slices if slice_.fault is not None]
    volume_id = f"{name}#no-place"
    if len(faults) == len(slices):
        return refused(slices, volume_id, faults[0].status, faults[0].detail)
    reason, _ = min(Counter(map(has_no_geometry, slices)).items(), key=lambda found: (-found[1], found[0]))
    return refused(slices, volume_id, Status.NOT_A_VOLUME, reason)


def _lacking(volume: SeriesVolume, nowhere: Sequence[SliceFacts]) -> SeriesVolume:
    """The same, incomplete if slices that look as if they were its own do not say where they lie: at an end of it
    nothing else would tell that they lack."""
    if volume.status is not None or volume.shape is None:
        return volume
    sizes = {(*volume.shape[:2], volume.samples), (0, 0, 1)}
    alike = sum((slice_.columns, slice_.rows, slice_.samples) in sizes for slice_ in nowhere)
    if not alike:
        return volume
    detail = f"{alike} slices of its size and series do not say where they lie, and may be its own"
    return replace(volume, status=Status.INCOMPLETE_SERIES, detail=detail)


def _contradiction(series: Sequence[SliceFacts]) -> str:
    """Why nobody can say whose volume it would be. Half of a volume under another name would look like a whole one."""
    if len({slice_.subject for slice_ in series} - {None}) > 1:
        return "slices of this series name different patients"
    if len({slice_.study_uid for slice_ in series} - {None}) > 1:
        return "slices of this series name different studies"
    return ""


def _sorted_out(series: Sequence[SliceFacts]) -> _SortedOut:
    found = _SortedOut([], [], [])
    for slice_ in series:
        if _LOCALIZERS & set(slice_.image_type):
            found.localizers.append(slice_)
        elif has_no_geometry(slice_):
            found.nowhere.append(slice_)
        else:
            found.placed.append(slice_)
    return found


def _crosses(part: Part, parts: Sequence[Part]) -> bool:
    """Whether these are a few slices across a stack of many."""
    turned = any(label.startswith("orientation=") for label in part.labels)
    most = max(len(other.slices) for other in parts)
    return turned and len(part.slices) < _FEW and most >= _FEW * len(part.slices)


def _plan_part(part: Part, name: str, is_localizer: bool) -> list[SeriesVolume]:
    if is_localizer:
        detail = "a few slices across those of a volume"
        return [refused(part.slices, _id(name, part.labels), Status.LOCALIZER, detail)]
    return [_volume(settled, name) for settled in _settle(part)]


def _settle(part: Part) -> list[_Settled]:
    at = _places(part)
    if len(part.slices) > 1 and len(set(at.values())) == 1:
        return [_Settled(Compared(part), at_one_place=True)]
    settled: list[_Settled] = []
    for smaller in split_repeats(part, at):
        compared = without_copies(smaller, at)
        blocks = in_blocks(compared, at) if compared.conflicts else _between_each_other(compared)
        settled += _blocks(compared, blocks) if blocks else [_Settled(compared)]
    return settled


def _blocks(compared: Compared, blocks: Sequence[Part]) -> list[_Settled]:
    """Each on its own; copies, which the digest alone tells of no block, are counted with the first."""
    first, *others = blocks
    return [_Settled(Compared(first, compared.copies)), *(_Settled(Compared(block)) for block in others)]


def _between_each_other(compared: Compared) -> list[Part] | None:
    return interleaved(compared.part) if len(compared.part.slices) > 2 and not compared.copies else None


def _places(part: Part) -> dict[int, int]:
    stack = stack_of(part.slices)
    return {id(slice_): place for slice_, place in zip(stack.slices, places(list(stack.along)), strict=True)}


def _volume(settled: _Settled, name: str) -> SeriesVolume:
    compared = settled.compared
    slices, volume_id = compared.part.slices, _id(name, compared.part.labels)
    if settled.at_one_place:
        return refused(slices, volume_id, Status.NOT_A_VOLUME, f"all {len(slices)} slices lie at one place")
    if compared.conflicts:
        found = refused(slices, volume_id, Status.DUPLICATE_CONFLICT, _conflict(compared))
    else:
        found = volume_of(stack_of(slices), volume_id)
    return replace(found, duplicates=tuple(slice_.key for slice_ in compared.copies))


def _conflict(compared: Compared) -> str:
    how = "their pixels were not compared" if compared.unknown else "their pixels differ as they are stored"
    return f"{len(compared.conflicts)} places hold several slices that no attribute tells apart, and {how}"


def _id(name: str, labels: Sequence[str]) -> str:
    return f"{name}#{','.join(labels)}" if labels else name


def _numbered(volumes: Sequence[SeriesVolume]) -> list[SeriesVolume]:
    """With ids that no two share, whatever an attribute had to say."""
    seen: Counter[str] = Counter()
    unique: list[SeriesVolume] = []
    for volume in volumes:
        seen[volume.volume_id] += 1
        again = seen[volume.volume_id]
        unique.append(replace(volume, volume_id=f"{volume.volume_id}#{again}") if again > 1 else volume)
    return unique
