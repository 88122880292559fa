"""Sound itself: what ffmpeg decodes, and the clip file."""
