"""`python -m audioset_tools` is `audioset-tools`, which never looks for modules in the current folder."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # python -m puts the current folder there, and a click.py in it would be run for click

from .cli import main

main()
