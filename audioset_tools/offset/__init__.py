"""How two sources of the same clips differ: where each was cut."""
