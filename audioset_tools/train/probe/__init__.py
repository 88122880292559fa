"""A logistic regression on what a tagger says of the clips; the tagger is a file that the user brings."""
