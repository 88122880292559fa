"""The errors a user can cause or meet, each with its exit code.

    AudiosetToolsError            1   never raised itself
    ├── UsageError                2   the command line or a recipe asks for something impossible
    ├── Shortfall                 3   the queues are spent before the wanted number is reached
    ├── Paused                    4   the remote asks us to come back later
    ├── EnvironmentProblem        5   disk, ffmpeg, network, a missing package, a busy workspace
    └── DataMismatch              6   data on disk are damaged, foreign, or made with other settings

Each is two sentences: what happened, and what to do about it. The command line prints both and no
traceback; a traceback is therefore always a bug of ours.
"""


class AudiosetToolsError(Exception):
    """An error with a remedy.

    Args:
        what: one line saying what happened.
        remedy: one line saying what the user can do.

    `result` is what a stage reached all the same, where it says so: a `FetchResult` of `fetch`.
    """

    exit_code = 1
    result: object = None

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}"


class UsageError(AudiosetToolsError):
    """The command line, a configuration file or a recipe asks for something impossible."""

    exit_code = 2


class Shortfall(AudiosetToolsError):
    """There are fewer living clips than were asked for; what there is stays."""

    exit_code = 3


class Paused(AudiosetToolsError):
    """The remote refuses for longer than the user wants to wait."""

    exit_code = 4


class EnvironmentProblem(AudiosetToolsError):
    """The machine lacks something: disk space, ffmpeg, a network, a package, a free workspace."""

    exit_code = 5


class DataMismatch(AudiosetToolsError):
    """Data on disk are damaged, foreign, or were made with other settings."""

    exit_code = 6
