"""Established to the last prefix, packing, and the CPU that it takes."""

import statistics
import time

from side_by_side import room
from side_by_side.receiver import Receiver

from .bench import BREATHER, FLOOR_PORT, Figure, mib, ms

RATIO = 1.5
PACKING = 1.02
CPU_RATIO = 2.0


def figures(bench):
    for prefixes, peers in ((1_000_000, 1), (1_000_000, 10), (100_000, 100)):
        yield from one(bench, bench.table(prefixes), peers)


def one(bench, table, peers):
    ours, floors = [], []
    with bench.peeringd(table, peers) as run, bench.floor(table):
        # The first of each finds the memory cold and is not counted.
        for turn in range(bench.arguments.runs + 1):
            told = bench.receive(room.PORT, peers, table.prefixes)
            floor = bench.receive(FLOOR_PORT, peers, table.prefixes)
            if turn:
                ours.append(told["max_established_to_done"])
                floors.append(floor["max_established_to_done"])
        memory = (run.daemons.memory("VmRSS"), run.daemons.memory("VmHWM"))
    shape = f"{table.prefixes:,} prefixes × {peers}"
    mine, least = statistics.median(ours), statistics.median(floors)
    yield Figure(f"{shape}: Established → last", f"{RATIO} × floor", f"{mine / least:.2f} × ({ms(mine)}, floor {ms(least)})",
                 mine <= RATIO * least)
    updates, octets = told["updates"] / floor["updates"], told["bytes"] / floor["bytes"]
    yield Figure(f"{shape}: UPDATEs; bytes", f"{PACKING} × densest", f"{updates:.4f} ×; {octets:.4f} ×", max(updates, octets) <= PACKING)
    if peers == 10:
        resting, peak = memory
        yield Figure(f"{shape}: VmRSS; VmHWM", "64 MiB; 200 MiB", f"{mib(resting)}; {mib(peak)}",
                     resting <= 64 * 2**20 and peak <= 200 * 2**20)


def cpu(bench):
    """CPU of all threads for one transfer, the mean of many. The receiver stays connected until the time is read, since the floor's
    threads end with their connections, and the time of a thread with it."""
    table = bench.table(1_000_000)
    ours, floors = [], []
    with bench.peeringd(table, 1) as run:
        for _ in range(bench.arguments.transfers):
            ours.append(cpu_of_one(run.daemons, table))
    with FloorOnTheBgpPort(bench, table) as daemons:
        for _ in range(bench.arguments.transfers):
            floors.append(cpu_of_one(daemons, table))
    mine, least = statistics.mean(ours), statistics.mean(floors)
    yield Figure(f"{table.prefixes:,} prefixes × 1: CPU of a transfer, mean of {len(ours)}", f"{CPU_RATIO} × floor",
                 f"{mine / least:.2f} × ({ms(mine)}, floor {ms(least)})", mine <= CPU_RATIO * least)


class FloorOnTheBgpPort:
    def __init__(self, bench, table):
        self.bench, self.table = bench, table

    def __enter__(self):
        self.daemons = room.Daemons(self.bench.scratch / "floor.log")
        listen = f"0.0.0.0:{room.PORT}"
        self.daemons.start(self.bench.tools / "bgpreplay", listen, room.SPEAKER_AS, self.table.folder / "messages.bin")
        room.await_listener((room.SPEAKER, room.PORT), 10)
        return self.daemons

    def __exit__(self, *_):
        self.daemons.stop()


def cpu_of_one(daemons, table):
    before = daemons.threads()
    receiver = Receiver(table, 1, 60)
    try:
        event = receiver.next_event(60)
        if not event or event["event"] != "all":
            raise RuntimeError(f"transfer: {event}")
        after = daemons.threads()
    finally:
        receiver.stop()
        time.sleep(BREATHER)
    return sum(seconds - before.get(thread, 0.0) for thread, seconds in after.items())
