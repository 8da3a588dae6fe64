"""Enhanced multi-frame objects keep rescale, window and spacing a frame (PS3.3 C.7.6.16)."""

from pydicom import Dataset, FileDataset

from workers.images.decoding.dicom_file import PIXEL_KEYWORDS, raw_elements
from workers.images.decoding.fence import as_record_error

_MACROS = ("PixelMeasuresSequence", "PixelValueTransformationSequence", "FrameVOILUTSequence")


def frame_header(dataset: FileDataset, frame: int) -> Dataset:
    """The dataset as it holds for one frame (from 0), without its pixels.

    What the shared and then the frame's own functional groups say of spacing, rescale and window lies over the top
    level, so that pydicom's functions for single-frame objects find it. Raises RecordError (unreadable).
    """
    with as_record_error("its functional groups cannot be read"):
        elements = {element.tag: element for element in raw_elements(dataset) if int(element.tag) not in PIXEL_KEYWORDS}
        groups = _items(dataset, "SharedFunctionalGroupsSequence", 0)
        groups += _items(dataset, "PerFrameFunctionalGroupsSequence", frame)
        for macro in (item for group in groups for name in _MACROS for item in _items(group, name, 0)):
            elements |= {element.tag: element for element in raw_elements(macro)}
        header = Dataset(elements)
        header.file_meta = dataset.file_meta
        # Elements are converted when they are first asked for, by the byte order and character set of their dataset.
        implicit, little = dataset.original_encoding
        header.set_original_encoding(implicit, little, dataset.original_character_set)
        return header


def _items(dataset: Dataset, keyword: str, index: int) -> list[Dataset]:
    """Item `index` of a sequence, in a list; an empty list where there is none."""
    sequence = dataset.get(keyword)
    return [sequence[index]] if sequence and index < len(sequence) else []
