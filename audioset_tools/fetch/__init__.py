"""From a selection to verified clips on disk, with a reason for every candidate left out."""
