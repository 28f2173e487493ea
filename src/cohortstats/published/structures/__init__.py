"""Orders of all times of a printed survival figure that print its medians, limits and P."""
