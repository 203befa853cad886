"""What all figures are taken with: peeringd and bgpreplay, with bgpsink as the receiver."""

import contextlib
import dataclasses
import json
import re
import shutil
import subprocess
import time

from side_by_side import room
from side_by_side.room import Daemons
from side_by_side.speakers.peeringd import Peeringd

# Where bgpreplay listens, beside peeringd on the BGP port.
FLOOR_PORT = room.PORT + 1
# A peer that comes back has to wait for so long after the end of its session.
BREATHER = 1.0


@dataclasses.dataclass(frozen=True)
class Figure:
    """One line: what, the most that is asked for, what was measured."""

    what: str
    most: str
    measured: str
    holds: bool

    def __str__(self):
        return f"{'ok  ' if self.holds else 'OVER'}  {self.what}: {self.measured} (at most {self.most})"


class Bench:
    def __init__(self, arguments, tables, scratch, tools):
        self.arguments = arguments
        self.tables = tables
        self.scratch = scratch
        self.tools = tools

    def table(self, prefixes):
        return self.tables.get(prefixes // self.arguments.shrink)

    @contextlib.contextmanager
    def peeringd(self, table, peers, speaker=None):
        """peeringd with this table in force; its folder is fresh."""
        folder = self.scratch / "run"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        speaker = speaker or Peeringd(self.arguments.peeringd)
        speaker.prepare(folder, table, peers)
        daemons = Daemons(folder / "log")
        try:
            run = Run(speaker, daemons, folder)
            speaker.start(daemons)
            room.await_listener((room.SPEAKER, room.PORT), 60)
            yield run
        finally:
            daemons.stop()

    @contextlib.contextmanager
    def floor(self, table):
        daemons = Daemons(self.scratch / "floor.log")
        try:
            daemons.start(self.tools / "bgpreplay", f"0.0.0.0:{FLOOR_PORT}", room.SPEAKER_AS, table.folder / "messages.bin")
            room.await_listener((room.SPEAKER, FLOOR_PORT), 10)
            yield
        finally:
            daemons.stop()

    def sink(self, port, peers, expect, *more, first=0):
        """One bgpsink, running."""
        command = [
            self.tools / "bgpsink",
            "--connect", f"{room.speaker_address(first)}:{port}",
            "--connect-step", 1,
            "--sessions", peers,
            "--local-base", room.peer_address(first),
            "--local-as", room.PEER_AS,
            "--expect", expect,
            *more,
        ]  # fmt: skip
        words = [str(word) for word in command]
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, preexec_fn=room.die_with_parent)

    def receive(self, port, peers, expect, first=0):
        """bgpsink's summary of one transfer."""
        return summary(self.sink(port, peers, expect, "--timeout", 60, "--quiet", first=first))


class Run:
    """A running peeringd."""

    def __init__(self, speaker, daemons, folder):
        self.speaker = speaker
        self.daemons = daemons
        self.folder = folder
        self.started = time.monotonic()

    def loads(self):
        """Seconds that each load took, as the daemon says."""
        log = (self.folder / "log").read_text(errors="replace")
        return [int(found) / 1000 for found in re.findall(r"load_ms\S*=\S*?(\d+)", log)]

    def reload(self, table, name="after"):
        """Has it read another table, and waits until that is in force."""
        before = len(self.loads())
        self.speaker.write_rib(table, name)
        self.speaker.reload(self.daemons)
        deadline = time.monotonic() + 30
        while len(self.loads()) == before:
            if time.monotonic() > deadline:
                raise TimeoutError("the reload did not come")
            time.sleep(0.01)


def summary(sink):
    """The last line of a bgpsink that has ended well."""
    output, _ = sink.communicate()
    told = json.loads(output.splitlines()[-1])
    if sink.returncode or told["failed"]:
        raise RuntimeError(f"bgpsink: {told}")
    time.sleep(BREATHER)
    return told


def mib(octets):
    return f"{octets / 2**20:.1f} MiB"


def ms(seconds):
    return f"{seconds * 1e3:.2f} ms"
