"""Training networks over fingerprints of molecules."""
