"""`python -m audioset_tools` is `audioset-tools`."""

from .cli import main

main()
