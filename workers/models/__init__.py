"""What model directories of all collections share: files, weights, heads, devices."""
