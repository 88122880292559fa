"""A data set as a document: what it was made of, clip by clip, to be made again and compared elsewhere."""
