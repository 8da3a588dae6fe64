"""Pages in a real browser without a window: Debian's package `chromium`, where it is there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from html import escape, unescape
from pathlib import Path
from typing import Any

BROWSER = shutil.which("chromium")
WHY_NOT = "there is no chromium on this machine: apt-get install chromium"

_LOOK = """
<body style="margin:0"><iframe style="border:0;width:{width}px;height:3000px" srcdoc="{page}"></iframe><script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  const page = frame.contentDocument, root = page.documentElement;
  const isHidden = (one) => one && (getComputedStyle(one).clipPath !== "none" || isHidden(one.parentElement));
  const beyond = [...page.querySelectorAll("body *:not(svg *)")]
    .filter((one) => one.getBoundingClientRect().right > {width} + 0.5 && !isHidden(one))
    .map((one) => one.tagName + ": " + one.textContent.trim().slice(0, 60));
  const empty = [...page.querySelectorAll("svg")].filter((one) => one.getBoundingClientRect().width < 40).length;
  const found = {{width: root.scrollWidth, height: root.scrollHeight, beyond, empty,
    drawings: page.querySelectorAll("svg").length}};
  document.body.innerHTML = "<pre>" + JSON.stringify(found).replace(/</g, "&lt;") + "</pre>";
}};
</script></body>
"""


def look(page: Path, width: int, folder: Path) -> dict[str, Any]:
    """How a page lies at this width: its own width and height, elements that stand out on the right, drawings."""
    wrapped = folder / f"look-{width}.html"
    # The page forbids scripts, to itself only: the frame around it measures.
    text = page.read_text(encoding="utf-8")
    wrapped.write_text(_LOOK.format(width=width, page=escape(text, quote=True)), encoding="utf-8")
    out = _run(["--window-size=1600,3200", "--virtual-time-budget=5000", "--dump-dom", wrapped.as_uri()], folder)
    found = re.search(r"<pre>(.*?)</pre>", out, re.DOTALL)
    assert found is not None, out[-500:]
    measured: dict[str, Any] = json.loads(unescape(found[1]))
    return measured


def picture(page: Path, width: int, height: int, folder: Path) -> Path:
    """A screenshot as PNG."""
    target = folder / f"{page.stem}-{width}.png"
    _run(["--hide-scrollbars", f"--window-size={width},{height}", f"--screenshot={target}", page.as_uri()], folder)
    return target


def printed(page: Path, folder: Path) -> Path:
    """The page as PDF."""
    target = folder / f"{page.stem}.pdf"
    _run(["--no-pdf-header-footer", f"--print-to-pdf={target}", page.as_uri()], folder)
    return target


def _run(arguments: Sequence[str], folder: Path) -> str:
    assert BROWSER is not None
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'browser'}"]
    done = subprocess.run([BROWSER, *flags, *arguments], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout
