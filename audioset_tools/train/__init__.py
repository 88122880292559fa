"""Stage 4, Shard -> Batch -> Run: the paper's CNN, its training and its tables (DESIGN section 6)."""
