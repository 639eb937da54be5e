"""Charts of a page: typed data, from which both the SVG and the PNG files are drawn."""
