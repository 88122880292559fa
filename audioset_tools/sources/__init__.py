"""Where sound comes from, within a budget of requests."""
