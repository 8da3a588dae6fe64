"""One 3-D network, one file: a frozen `Config` with `in_channels` and `num_outputs`, and `build(config)`, which gives a
network from (N, in_channels, i, j, k) to (N, num_outputs, i, j, k), or to (N, num_outputs). The registry names them."""
