"""Volumes through a network, window by window: `runner.VolumeRunner`."""
