"""A collection: waveforms, one file of comma-separated samples each."""
