"""Networks of MONAI by their own names: `monai.DenseNet121` is `monai.networks.nets.DenseNet121`.

Those that give one value a label of a 2-D image; settings as `workers.images.networks.monai_net` says.
"""

from collections.abc import Mapping

from workers.images.networks.monai_net import Net, by_name, scoring

NETS: Mapping[str, Net] = by_name(scoring(2))


def __getattr__(name: str) -> Net:
    """`monai_nets:DenseNet121` of the registry."""
    if name in NETS:
        return NETS[name]
    raise AttributeError(name)
