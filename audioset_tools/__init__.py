"""N verified AudioSet clips per class, mel shards from them, and the paper's CNN trained on those."""

__version__ = "0.1.0"
