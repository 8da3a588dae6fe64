"""Pixels as a PNG file."""

import cv2

from workers.contract import Array


def png_of(pixels: Array) -> bytes:
    """`pixels` are uint8 or uint16, (rows, columns) or (rows, columns, 3) in the order red, green, blue."""
    ordered = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    _, body = cv2.imencode(".png", ordered)
    return bytes(body.tobytes())
