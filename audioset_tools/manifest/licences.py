"""Under which licences a data set's parts are, and how to cite what they come from."""

from .. import __version__

AUDIOSET = """@inproceedings{gemmeke2017audioset,
  author    = {Gemmeke, Jort F. and Ellis, Daniel P. W. and Freedman, Dylan and Jansen, Aren
               and Lawrence, Wade and Moore, R. Channing and Plakal, Manoj and Ritter, Marvin},
  title     = {Audio Set: An ontology and human-labeled dataset for audio events},
  booktitle = {Proc. IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)},
  pages     = {776--780},
  year      = {2017},
  doi       = {10.1109/ICASSP.2017.7952261}
}"""
"""Whose segments and labels these are."""

PAPER = """@misc{haidarahmad2019music,
  author = {Haidar-Ahmad, Lara},
  title  = {Music and Instrument Classification using Deep Learning Technics},
  note   = {Stanford University, CS230},
  year   = {2019}
}"""
"""Whose recipe and network these are."""

TOOL = f"""@software{{audioset_tools,
  author  = {{{{audioset-tools maintainers}}}},
  title   = {{audioset-tools}},
  version = {{{__version__}}}
}}"""
"""What made it: the version that says so."""

CITATIONS = (AUDIOSET, PAPER, TOOL)
"""All that whoever uses a data set cites."""

MAKE_AGAIN = "audioset-tools fetch --list manifest.json\naudioset-tools verify --against manifest.json"
"""How a data set is made again elsewhere from its manifest, and compared."""

CC_BY = "https://creativecommons.org/licenses/by/4.0/"
"""The licence of AudioSet's lists, as metadata name it."""

HOME = "https://research.google.com/audioset/"
"""AudioSet's own page."""

LICENCES = (
    ("AudioSet's lists of segments and labels", "CC BY 4.0, Google Inc."),
    ("AudioSet's ontology", "CC BY-SA 4.0, Google Inc."),
    ("the audio", "that of whoever uploaded it; it is not part of AudioSet and not ours to license"),
    ("audioset-tools", "MIT"),
)
"""What, and whose or which licence."""
