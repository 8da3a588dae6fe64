"""What is written of a segmented volume: measures of every structure, masks in the formats of others, a preview."""
