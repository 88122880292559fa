"""What is inside a shard, what is known about a clip, and what its mel looks like."""
