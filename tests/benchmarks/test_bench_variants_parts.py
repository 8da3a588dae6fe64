"""The parts of the variants benchmark that can be wrong without anybody noticing."""

from __future__ import annotations

import numpy as np
import torch

from tests.benchmarks.bench_variants import degrees, largest_difference, summary
from tests.benchmarks.variants import clusters, layout, windows_of
from workers.genomics.sequences.networks.dilated_resnet import Config, VariantScorer, build


def test_the_layout_has_sixty_alleles_in_clusters_and_some_sites_with_three() -> None:
    made = layout()
    assert sum(len(site.alts) for site in made.sites) == 60
    assert sum(len(site.alts) == 3 for site in made.sites) >= 5
    sizes = clusters(made.sites, 10_101)
    assert sum(sizes) == len(made.sites)
    assert min(sizes) == 1
    assert max(sizes) >= 4
    for site in made.sites:
        assert all(bytes(made.chromosome[site.place : site.place + site.ref]) != alt for alt in site.alts)


def test_every_degree_of_sharing_gives_the_same_outputs() -> None:
    config = Config(num_outputs=3, channels=4, kernels=(5, 7), dilations=(1, 3), skip_every=2, positions=3)
    torch.manual_seed(0)
    network = build(config).eval()
    scorer = VariantScorer(network, config, "cpu")
    windows = windows_of(layout(), config.window)
    assert largest_difference(network, scorer, windows) < 1e-5
    ref, alt = scorer.score(windows)
    for name, same in degrees(windows).items():
        other_ref, other_alt = scorer.score(same)
        if name == "cone":
            other_ref, other_alt = other_ref[::2], other_ref[1::2]
        assert np.allclose(ref, other_ref, rtol=0, atol=1e-5)
        assert np.allclose(alt, other_alt, rtol=0, atol=1e-5)


def test_the_steps_of_sharing_multiply_to_the_whole() -> None:
    seconds = {"separate_4": [8.0], "cone": [4.0], "edit": [2.0], "site": [1.0], "ours": [0.5]}
    figures = summary(seconds, 4, 0.0)
    assert figures["ours_vs_separate"] == 16.0
    assert figures["by_cone"] * figures["by_edit"] * figures["by_site"] * figures["by_cluster"] == 16.0
