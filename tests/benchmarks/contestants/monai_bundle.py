"""All series of an archive through MONAI as its bundles run: a DataLoader whose workers prepare, all cores for torch.

Usage: monai_bundle.py ARCHIVE OUT MODEL [MODEL ...]
With several models each case is prepared once for all of them, which no bundle does.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from monai.data import DataLoader, Dataset, decollate_batch

from tests.benchmarks.contestants.monai_chain import chains_of, device

WORKERS = 2


def main(archive: Path, out: Path, models: list[Path]) -> None:
    """Score every series."""
    chains = chains_of(models, out)
    data = [{"image": str(case)} for case in sorted(archive.glob("*/c*"))]
    loader = DataLoader(Dataset(data, chains[0].before), batch_size=1, shuffle=False, num_workers=WORKERS)
    with torch.no_grad():
        for batch in loader:
            for chain in chains:
                found = {**batch, "pred": chain.inferer(batch["image"].to(device()), chain.network)}
                for one in decollate_batch(found):
                    chain.after(one)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(model) for model in sys.argv[3:]])
