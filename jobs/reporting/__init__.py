"""What a finished run shows: report.html, and the figures beside its rows."""
