"""Pictures of reports: matplotlib figures as SVG that stands in a page, light or dark, and is the same every time."""
