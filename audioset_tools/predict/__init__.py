"""A trained run on any recording: what is active when, and what dominates."""
