"""What a run is, on disk and in numbers; without torch."""
