"""What opens the page of an error analysis to whoever knows its address, and to nobody else on the machine.

Everybody with an account on a machine can connect to its 127.0.0.1. So the printed address holds a token (as
Jupyter's does), which the server exchanges for a cookie. Browsers show a cookie to every port of a host,
hence to servers of other people; but only below the path that it is for, and nobody can guess that.

All three come from one file in the run's folder that only its owner can read: a page that was open when
the server died is known to the next one.
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..exceptions import EnvironmentProblem
from ..files import open_file, remedy_of, write_beside
from ..workspace import printable

SECRET = "error-secret"
"""The file in the run's folder; without it the next server has another address."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
"""What `token_urlsafe` makes of 32 bytes."""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """The token of an address, and the cookie and the path that follow from it.

    Args:
        port: of the server; the cookies of two on one machine do not replace one another.
    """

    token: str
    port: int

    @property
    def address(self) -> str:
        """What is printed."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    @property
    def path(self) -> str:
        """Below which everything lies, with a slash at either end."""
        return f"/{self._derived('path')[:32]}/"

    @property
    def cookie(self) -> tuple[str, str]:
        """Its name and its value."""
        return f"audioset-tools-errors-{self.port}", self._derived("cookie")

    def is_token(self, given: str) -> bool:
        """Whether it is the token; how long this takes tells nothing of it."""
        return _same(given, self.token)

    def opens(self, cookies: str) -> bool:
        """Whether the Cookie header of a request holds ours, among whatever else it holds."""
        name, value = self.cookie
        pairs = (pair.strip().partition("=") for pair in cookies.split(";"))
        return any(given_name == name and _same(given, value) for given_name, _, given in pairs)

    def _derived(self, use: str) -> str:
        return hmac.new(self.token.encode(), use.encode(), hashlib.sha256).hexdigest()


def keep_secret(run: Path, port: int) -> Secret:
    """The secret of a run: the same every time, as long as its file is ours alone; else a new one.

    Raises:
        EnvironmentProblem: it cannot be written.
    """
    path = run / SECRET
    with suppress(OSError), open_file(path) as file:
        token = file.read(100).decode("ascii", "replace").strip()
        if _is_ours(file.fileno()) and _TOKEN.fullmatch(token):
            return Secret(token, port)
    token = secrets.token_urlsafe(32)
    try:
        with write_beside(path, 0o600) as temporary, temporary.open("w") as file:
            # Some file systems have no rights: what all can read is kept in memory only.
            if _is_ours(file.fileno()):
                file.write(f"{token}\n")
    except OSError as error:
        raise EnvironmentProblem(
            f"{printable(path)} cannot be written: {error.strerror}", remedy_of(error)
        ) from error
    return Secret(token, port)


def _is_ours(descriptor: int) -> bool:
    """Whether nobody else can read or have planted an open file."""
    status = os.fstat(descriptor)
    return status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())
