"""Optional packages of prepare steps, imported at first use."""

import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from schemas.errors import MissingExtraError
from workers.images.prepare import libraries

Library = Callable[[], ModuleType]
LIBRARIES: list[tuple[Library, str, str]] = [
    (libraries.opencv, "cv2", "opencv-python-headless"),
    (libraries.simpleitk, "SimpleITK", "SimpleITK"),
    (libraries.pillow, "PIL.Image", "pillow"),
    (libraries.pydicom_processing, "pydicom.pixels.processing", "pydicom"),
    (libraries.onnx, "onnx", "onnx"),
    (libraries.protobuf_message, "google.protobuf.message", "onnx"),
]


@pytest.fixture(autouse=True)
def _as_in_a_fresh_process() -> Iterator[None]:
    yield
    for library, _, _ in LIBRARIES:
        library.cache_clear()


@pytest.mark.parametrize(("library", "module", "package"), LIBRARIES, ids=[name for _, name, _ in LIBRARIES])
def test_it_is_the_module_and_one_that_is_lacking_is_named_with_the_extra(
    library: Library, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert library() is sys.modules[module]
    library.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"{package}.*wardround\[images\]"):
        library()
