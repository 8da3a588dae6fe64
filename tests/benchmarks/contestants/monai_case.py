"""One series through MONAI in a process of its own, which loads the models for it alone. All cores for torch.

Usage: monai_case.py SERIES OUT MODEL [MODEL ...]
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from tests.benchmarks.contestants.monai_chain import chains_of, device


def main(series: str, out: Path, models: list[Path]) -> None:
    """Prepare once, show it to each model."""
    chains = chains_of(models, out)
    case = chains[0].before({"image": series})
    with torch.no_grad():
        for chain in chains:
            logits = chain.inferer(case["image"][None].to(device()), chain.network)[0]
            chain.after({**case, "pred": logits})


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), [Path(model) for model in sys.argv[3:]])
