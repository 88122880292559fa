"""What a run got wrong, listened to and judged by people."""
