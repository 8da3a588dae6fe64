"""Random changes of the images that a network is trained on. One file a step; none imports torch."""
