"""Random changes of the volumes that a network learns from: each step one file, named in `steps`."""
