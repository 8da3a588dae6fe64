"""The text detector finds what RapidOCR finds, in images of any size, with bounded work."""

from __future__ import annotations

import json
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.contract import Affine, Placement
from workers.images.formats import text_detector
from workers.images.formats.make_text_detector import make_text_detector_directory
from workers.images.formats.text_detector_loaded import network_size
from workers.images.formats.text_regions import find_regions, grow
from workers.images.formats.text_settings import Detection
from workers.images.prepare import plan
from workers.images.prepare.image import Image
from workers.images.steps import parse_steps
from workers.models.detect import describe

pytest.importorskip("rapidocr_onnxruntime", reason="rapidocr-onnxruntime ships the detector")


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    return make_text_detector_directory(tmp_path_factory.mktemp("models") / "text")


@pytest.fixture(scope="module")
def model(directory):
    _, card = describe(directory, "images")
    return text_detector.FORMAT.load(directory, card, Placement("cpu", 2))


@pytest.fixture(scope="module")
def reference():
    """RapidOCR's own detector, as its package configures it."""
    import rapidocr_onnxruntime
    import yaml
    from rapidocr_onnxruntime.ch_ppocr_det import TextDetector

    package = Path(rapidocr_onnxruntime.__file__).parent
    config = yaml.safe_load((package / "config.yaml").read_text())["Det"]
    return TextDetector(config | {"model_path": str(package / config["model_path"]), "intra_op_num_threads": 2})


def radiograph(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """Soft shapes with the noise of a detector."""
    rng = np.random.default_rng(seed)
    soft = cv2.resize(rng.uniform(30, 140, (6, 6)), (columns, rows), interpolation=cv2.INTER_CUBIC)
    grey = np.clip(soft + rng.normal(0, 6, (rows, columns)), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def write(image: np.ndarray, text: str, at: tuple[int, int], size: float, angle: float = 0.0) -> None:
    """Burn text in, turned about its start."""
    layer = np.zeros_like(image)
    cv2.putText(layer, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), max(1, round(size * 2)), cv2.LINE_AA)
    if angle:
        turn = cv2.getRotationMatrix2D(at, angle, 1)
        layer = cv2.warpAffine(layer, turn, image.shape[1::-1])
    np.maximum(image, layer, out=image)


def annotated(seed: int) -> np.ndarray:
    """Images of several sizes with the annotations that devices burn in."""
    rng = np.random.default_rng(seed)
    rows, columns = [(512, 640), (900, 760), (300, 420), (1200, 1000), (740, 1500), (481, 333)][seed % 6]
    image = radiograph(rows, columns, seed)
    write(image, "DOE JANE 1961", (10, 40), 1.0)
    write(image, f"kV {rng.integers(40, 140)} mAs {rng.integers(1, 9)}", (rows // 20, rows - 20), 0.7)
    write(image, "L", (columns - 60, rows // 3), 1.6)
    write(image, "PORTABLE AP", (columns // 4, rows // 2), 0.9, angle=float(rng.uniform(-35, 35)))
    return image


def real_pictures() -> list[np.ndarray]:
    """Photographs that scikit-image ships: a printed page, and pictures without text."""
    from skimage import data

    page = np.repeat(data.page()[:, :, None], 3, axis=2)
    return [page, data.text()[:, :, None].repeat(3, 2), data.retina()[::2, ::2].copy(), data.immunohistochemistry()]


def boxes(result, i=0) -> np.ndarray:
    rows = [[(box[f"x{k}"], box[f"y{k}"]) for k in range(4)] for box in result["text_boxes"][i]]
    return np.array(rows).reshape(-1, 4, 2)


def assert_same_boxes(ours: np.ndarray, theirs) -> None:
    theirs = np.array(theirs).reshape(-1, 4, 2)
    assert len(ours) == len(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1)


@pytest.mark.parametrize("seed", range(6))
def test_boxes_equal_rapidocr_s_on_images_with_burned_in_text(model, reference, seed):
    image = annotated(seed)
    ours = boxes(model.forward([image]))
    assert len(ours) >= 3
    assert_same_boxes(ours, reference(image[:, :, ::-1].copy())[0])


def test_boxes_equal_rapidocr_s_on_real_pictures(model, reference):
    counts = []
    for image in real_pictures():
        ours = boxes(model.forward([image]))
        assert_same_boxes(ours, reference(image[:, :, ::-1].copy())[0])
        counts.append(len(ours))
    assert counts[0] >= 5


@pytest.mark.parametrize("dilation", [False, True])
def test_regions_of_a_probability_map_equal_the_published_code_s(reference, dilation):
    """Maps of blurred turned rectangles: as many boxes, in the same order, each corner within a pixel of the map."""
    from rapidocr_onnxruntime.ch_ppocr_det.utils import DBPostProcess

    published = DBPostProcess(0.3, 0.5, 1000, 1.6, "fast", use_dilation=dilation)
    total = 0
    for seed in range(20):
        map_ = probability_map(seed)
        theirs = reference.filter_tag_det_res(published(map_[None, None], map_.shape)[0], map_.shape)
        ours = find_regions(map_, *map_.shape, Detection(use_dilation=dilation))
        assert len(ours) == len(theirs)
        for region, box in zip(ours, theirs, strict=True):
            distances = np.abs(region.corners[:, None] - box[None]).max(axis=2)
            assert distances.min(axis=1).max() <= 1
        total += len(ours)
    assert total > 100


def probability_map(seed: int) -> np.ndarray:
    """Twelve turned rectangles of several certainties, none touching another."""
    rng = np.random.default_rng(seed)
    map_ = np.zeros((300, 400), np.float32)
    for i in range(12):
        centre = (50 + 100 * (i % 4), 50 + 100 * (i // 4))
        size = rng.uniform((8, 4), (70, 30)).tolist()
        corners = cv2.boxPoints((centre, size, float(rng.uniform(-40, 40))))
        cv2.fillPoly(map_, [corners.astype(np.int32)], float(rng.uniform(0.4, 1)))
    return cv2.GaussianBlur(map_, (0, 0), 1.2)


@pytest.mark.parametrize("seed", range(30))
def test_growing_a_rectangle_equals_offsetting_the_polygon_with_round_corners(seed):
    import pyclipper
    from shapely.geometry import Polygon

    rng = np.random.default_rng(seed)
    rectangle = (rng.uniform(100, 900, 2).tolist(), rng.uniform(5, 200, 2).tolist(), float(rng.uniform(0, 90)))
    corners = cv2.boxPoints(rectangle)
    polygon = Polygon(corners)
    offset = pyclipper.PyclipperOffset()
    offset.AddPath(corners, pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    published = np.array(offset.Execute(polygon.area * 1.6 / polygon.length)[0])
    expected = cv2.boxPoints(cv2.minAreaRect(published))
    ours = cv2.boxPoints(grow(corners, 1.6))
    assert np.linalg.norm(ours[:, None] - expected[None], axis=2).min(axis=1).max() <= 1.5


def test_an_image_without_text_has_no_regions(model):
    result = model.forward([radiograph(400, 400), np.zeros((300, 500, 3), np.uint8)])
    assert result["text_found"].tolist() == [False, False]
    assert result["text_regions"].tolist() == [0, 0]
    assert result["text_score"].tolist() == [0.0, 0.0]
    assert result["text_boxes"] == [[], []]


def test_values_have_the_types_that_the_card_declares(model, directory):
    import pyarrow as pa

    _, card = describe(directory, "images")
    result = model.forward([annotated(2)])
    for field in card.outputs:
        column = pa.array(list(result[field.name]), field.arrow_type)
        assert column.null_count == 0
    assert result["text_score"].dtype == np.float32
    assert result["text_score"][0] == np.float32(max(box["score"] for box in result["text_boxes"][0]))


def test_boxes_lie_inside_the_image(model):
    image = annotated(2)
    found = boxes(model.forward([image]))
    assert found.min() >= 0
    assert found[..., 0].max() < image.shape[1]
    assert found[..., 1].max() < image.shape[0]


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (31, 31), (8, 200)])
def test_tiny_and_very_long_images_are_taken(model, shape):
    assert model.forward([np.full((*shape, 3), 128, np.uint8)])["text_regions"].tolist() == [0]


def test_a_huge_image_costs_no_more_than_a_large_one(model):
    image = np.zeros((12_000, 9_000, 3), np.uint8)
    began = time.perf_counter()
    model.forward([image])
    assert time.perf_counter() - began < 30
    assert max(network_size(12_000, 9_000, Detection())) <= 2016


@pytest.mark.parametrize("shape", [(400, 600), (1, 9), (736, 736), (100_000, 3), (50, 5000), (1999, 2000)])
def test_the_network_sees_multiples_of_32_within_the_bound(shape):
    rows, columns = network_size(*shape, Detection())
    assert rows % 32 == columns % 32 == 0
    assert 32 <= min(rows, columns) <= max(rows, columns) <= 2016


def test_a_checkerboard_of_probabilities_is_bounded_by_the_candidates():
    map_ = np.kron(np.indices((100, 100)).sum(0) % 2, np.ones((8, 8))).astype(np.float32)
    assert len(find_regions(map_, 800, 800, Detection(use_dilation=False, candidates=10))) <= 10


@pytest.mark.parametrize(
    "image", [np.zeros((40, 40), np.uint8), np.zeros((40, 40, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_not_8_bit_colour_is_out_of_contract(model, image):
    with pytest.raises(RecordError) as error:
        model.forward([image])
    assert error.value.status is Status.OUT_OF_CONTRACT


def test_a_16_bit_image_is_prepared_so_that_its_text_is_found(model, directory):
    _, card = describe(directory, "images")
    steps, affine = plan.split(parse_steps(list(card.prepare)))
    assert affine is None
    deep = annotated(0)[:, :, 0].astype(np.uint16) * 9 + 300
    array = plan.run(steps, Image(deep, (0, 65535)))
    assert array.shape == (*deep.shape, 3)
    assert model.forward([array])["text_regions"][0] >= 3


def test_normalised_images_are_refused(directory):
    _, card = describe(directory, "images")
    with pytest.raises(SpecError, match="8 bit"):
        text_detector.FORMAT.load(directory, card, Placement("cpu", 1, Affine(1 / 255)))


@pytest.mark.parametrize("change", [{"threshold": 2}, {"box_treshold": 0.5}, {"longest_side": 10**9}])
def test_a_wrong_card_is_refused(directory, tmp_path, change):
    (tmp_path / "model.onnx").symlink_to(directory / "model.onnx")
    (tmp_path / "wardround.json").write_text(json.dumps({"format": "text-detector"} | change))
    with pytest.raises(SpecError, match=next(iter(change))):
        describe(tmp_path, "images")


def test_the_card_changes_the_detector(directory, tmp_path):
    (tmp_path / "model.onnx").symlink_to(directory / "model.onnx")
    (tmp_path / "wardround.json").write_text(json.dumps({"format": "text-detector", "box_threshold": 1.0}))
    name, card = describe(tmp_path, "images")
    assert name == "text-detector"
    strict = text_detector.FORMAT.load(tmp_path, card, Placement("cpu", 2))
    assert strict.forward([annotated(2)])["text_regions"].tolist() == [0]
