"""A trained run listens to any recording: what is heard when, and what dominates."""
