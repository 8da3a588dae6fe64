"""`job: train` over images: what the networks of `workers.images.networks` are shown, and how they are fitted to it."""
