"""Charts and image grids, each drawn from plain arrays."""
