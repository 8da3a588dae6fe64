"""Reading that every collection needs: Parquet, lines, gzip, CSV, listings. Knows no collection."""
