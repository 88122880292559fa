"""What stands in the way of a fetch on this machine, as a table. Nothing is sent unless asked for."""
