import re
from xml.etree import ElementTree

from matplotlib.axes import Axes

from workers.pictures.canvas import INK, draw


def _line(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], color=INK)
    axes.set_xlabel("score <of> a & b")


def test_a_picture_is_one_element_without_a_size_of_its_own() -> None:
    root = ElementTree.fromstring(draw(_line, "one"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "viewBox" in root.attrib
    assert not {"width", "height"} & set(root.attrib)


def test_ink_has_the_colour_of_the_page() -> None:
    svg = draw(_line, "one")
    assert INK not in svg
    assert "currentColor" in svg


def test_text_is_escaped() -> None:
    assert "score &lt;of&gt; a &amp; b" in draw(_line, "one")


def test_the_same_picture_is_the_same_to_the_byte() -> None:
    assert draw(_line, "one") == draw(_line, "one")


def test_pictures_of_a_page_share_no_id() -> None:
    ids = [set(re.findall(r' id="([^"]+)"', draw(_line, name))) for name in ("one", "two")]
    assert ids[0]
    assert not ids[0] & ids[1]
