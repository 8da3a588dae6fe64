"""Prepare steps: from a decoded image to the array that a network reads. One file a step; none imports torch."""
