"""One network, one file: a frozen `Config`, `build(config)` and `smallest_side(config)`. The registry names them."""
