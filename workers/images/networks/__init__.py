"""One network, one file: a frozen `Config`, `build(config)` and `smallest_side(config)`; `exact_size(config)` too where
it takes images of one size. The registry names them."""
