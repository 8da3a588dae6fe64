"""What is said between the layers: the spec, the plan, the rows, the manifest, the errors, the protocols."""
