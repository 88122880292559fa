"""The source `hf`: a mirror of AudioSet on the Hugging Face Hub, read by HTTP Range where it lies."""
