"""Mel spectrograms on disk: HDF5 shards, the frozen splits, and reading them."""
