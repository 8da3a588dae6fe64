"""A colour for each structure: the same in every picture and file, and far from its neighbours'."""

import colorsys

_GOLDEN = 0.618033988749895
"""A step around the circle of hues that never comes close to where it was."""


def colour_of(number: int) -> tuple[int, int, int]:
    """Red, green and blue of 0 to 255 of the structure with this number; 1 is red."""
    turn = number - 1
    red, green, blue = colorsys.hsv_to_rgb(turn * _GOLDEN % 1.0, (0.9, 0.6)[turn // 8 % 2], 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)
