"""MONAI bundles, read and never run: their config is data here, and what in it is code is understood or refused."""
