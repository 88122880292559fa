"""What AudioSet contains, and which of it a class may use."""
