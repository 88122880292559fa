"""A data set and what was learned from it as one folder, for a paper or a hub."""
