"""Stage 5: look and listen."""
