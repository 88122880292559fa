"""From clips to mel shards: noise copies, mel spectrograms, and the HDF5 files of all splits."""
