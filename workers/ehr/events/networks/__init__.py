"""Networks on packed histories, one file each: a frozen `Config` and `build(config)`. The registry names them."""
