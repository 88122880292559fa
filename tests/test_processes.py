"""Which process a name means, and whether that one still lives."""

import os
import re
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from audioset_tools import processes
from audioset_tools.processes import PATTERN, Process, this_process


def test_a_process_is_read_from_what_it_is_written_as(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "größe/../x" + "y" * 300 + ".lab.example")
    me = this_process()
    assert re.fullmatch(PATTERN, str(me)) and "/" not in str(me)
    assert Process.parse(str(me)) == me and me.pid == os.getpid()
    assert me.is_here() and not me.has_ended()


def test_a_process_that_ended_is_known_to_and_so_is_one_that_nobody_waited_for_yet() -> None:
    code = "from audioset_tools.processes import this_process as me; print(me(), flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True)
    assert child.stdin is not None and child.stdout is not None
    process = Process.parse(child.stdout.readline().strip())
    assert process.pid == child.pid and process.is_here() and not process.has_ended()
    child.kill()
    # Dead, and a zombie until it is waited for.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.has_ended()
    child.communicate()
    assert process.has_ended()


def test_a_later_process_of_the_same_number_is_another() -> None:
    me = this_process()
    assert replace(me, started=me.started - 1).has_ended()


def test_of_another_machines_process_nothing_is_known() -> None:
    other = replace(this_process(), machine="00000000", pid=2**30)
    assert not other.is_here() and not other.has_ended()


def test_a_system_without_a_table_of_processes_is_asked_by_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_status", lambda pid: ("", 0))
    me = this_process()
    assert me.started == 0 and not me.has_ended()
    assert replace(me, pid=2**22 + 1).has_ended()
