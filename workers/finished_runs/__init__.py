"""What runs left on storage, read back: by later stages of the same run, by exports, and by jobs that join runs."""
