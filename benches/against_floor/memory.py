"""A thousand peers: how soon they have the shipped RIB, and what a peer costs."""

import pathlib
import time

from side_by_side import room
from side_by_side.speakers.peeringd import Peeringd

from .bench import Figure, mib, summary

SHIPPED = pathlib.Path(__file__).resolve().parent.parent.parent / "configs" / "rib" / "microsoft.yaml"
PREFIXES = 354
FEW, MANY = 10, 1_000
SECONDS = 2.0
# The peers stay for so long, and memory is read so long after the last of them was in sync.
WATCH, SETTLED = 3, 1.0
EACH = 48 * 1024


class Shipped(Peeringd):
    """peeringd with the RIB that it ships with."""

    def write_rib(self, table, name):
        (self.folder / "rib.yaml").write_bytes(SHIPPED.read_bytes())


def figures(bench):
    speaker = Shipped(bench.arguments.peeringd)
    few, _ = in_sync(bench, speaker, FEW)
    took = []
    for _ in range(3):
        many, seconds = in_sync(bench, speaker, MANY)
        took.append(seconds)
    yield Figure(f"{MANY:,} peers dial, the shipped RIB: start → last in sync, slowest of 3", f"{SECONDS} s",
                 f"{max(took):.2f} s (VmRSS {mib(many)})", max(took) <= SECONDS)
    each = (many - few) / (MANY - FEW)
    yield Figure("each further peer", "48 KiB", f"{each / 1024:.1f} KiB", each <= EACH)


def in_sync(bench, speaker, peers):
    """VmRSS with so many peers in sync, and the seconds from the daemon's start to there. The peers dial before it starts."""
    dialled = time.monotonic()
    sink = bench.sink(room.PORT, peers, PREFIXES, "--timeout", 60, "--watch", WATCH, "--quiet")
    samples = []
    with bench.peeringd(None, peers, speaker) as run:
        while sink.poll() is None:
            samples.append((time.monotonic(), run.daemons.memory("VmRSS")))
            time.sleep(0.05)
    done = dialled + summary(sink)["last_done"]
    memory = next(octets for at, octets in samples if at > done + SETTLED)
    return memory, done - run.started
