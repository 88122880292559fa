"""Error analysis: people listen to what a run got wrong, and say why (paper, section 5)."""
