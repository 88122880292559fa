"""The documents that go with a data set: for people the data card, for programs Croissant."""
