"""Look and listen: what a workspace holds, as a folder of pages that open from disk."""
