"""Stage 3, Clip -> Shard: frozen splits, noise copies, mel spectrograms, HDF5 shards (DESIGN section 5)."""
