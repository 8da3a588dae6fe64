"""From the headers of objects to volumes: which slices belong together, in which order, and where they lie."""
