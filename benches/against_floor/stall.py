"""A peer that reads nothing but sends its keepalives, while the table changes under it."""

import json
import statistics
import subprocess
import time

from side_by_side import room

from .bench import FLOOR_PORT, Figure, mib, ms

OTHERS = 1.10
GROWTH = 4 * 2**20
UNSENT = 256 * 1024
AFTER_STALL = 2.0
# After so many prefixes the peer stops to read.
STALL_AT = 1_000


RELOADS = 3


def figures(bench):
    table, seconds = bench.table(1_000_000), bench.arguments.stall_seconds
    for turn in range(1, RELOADS + 1):
        write_changed(table, turn)
    with bench.peeringd(table, 2) as run, bench.floor(table):
        transfers(bench, room.PORT, table)
        before, floor = transfers(bench, room.PORT, table), transfers(bench, FLOOR_PORT, table)
        resting = run.daemons.memory("VmRSS")
        stalled = stalling(bench, table, seconds)
        unsent_octets(at_least=1)
        for turn in range(1, RELOADS + 1):
            run.reload(table, f"changed-{turn}")
        during = transfers(bench, room.PORT, table)
        unsent, grown = unsent_octets(), run.daemons.memory("VmRSS") - resting
        back, done = resumed(stalled)
    what = f"a peer reads nothing for {seconds} s, {RELOADS} reloads of 1 %"
    yield Figure(f"{what}: transfer to another", f"{OTHERS} × before", f"{during / before:.2f} × ({ms(during)}, before {ms(before)})",
                 during <= OTHERS * before)
    yield Figure(f"{what}: VmRSS over before", mib(GROWTH), mib(grown), grown <= GROWTH)
    yield Figure(f"{what}: in the kernel for it", f"{UNSENT:,} B", f"{unsent:,} B", unsent <= UNSENT)
    yield Figure(f"{what}: it reads again → in sync", f"{AFTER_STALL} × floor",
                 f"{(done - back) / floor:.2f} × ({ms(done - back)}, floor {ms(floor)})", done - back <= AFTER_STALL * floor)


def write_changed(table, turns):
    """The table after so many reloads, each of which moves another 1 % to the next attribute set."""
    rows = table.rows("table")
    sets = 1 + max(int(number) for _, number in rows)
    with open(table.folder / f"changed-{turns}.txt", "w") as out:
        for at, (prefix, number) in enumerate(rows):
            moved = 1 <= at % 100 <= turns
            out.write(f"{prefix} {(int(number) + moved) % sets}\n")


def transfers(bench, port, table):
    runs = [bench.receive(port, 1, table.prefixes)["max_established_to_done"] for _ in range(bench.arguments.runs)]
    return statistics.median(runs)


def stalling(bench, table, seconds):
    """The second peer, which is done at End-of-RIB, when it has all that is in force by then, however many prefixes came twice."""
    stall = ["--rcvbuf", 65536, "--stall", f"{STALL_AT},{seconds}"]
    return bench.sink(room.PORT, 1, 10 * table.prefixes, "--eor", "--timeout", seconds + 60, *stall, first=1)


def unsent_octets(at_least=0):
    """What the kernel holds for the second peer: unsent, and sent but not acknowledged."""
    command = f"ss -Htn dst {room.peer_address(1)} sport = :{room.PORT}".split()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        octets = max((int(line.split()[2]) for line in lines), default=-1)
        if octets >= at_least:
            return octets
        time.sleep(0.01)
    raise TimeoutError(f"the kernel holds nothing for {room.peer_address(1)}")


def resumed(sink):
    """When it read again, and when it had all."""
    output, _ = sink.communicate()
    lines = [json.loads(line) for line in output.splitlines()]
    back = next((line["resumed"] for line in lines if "resumed" in line), None)
    if sink.returncode or back is None:
        raise RuntimeError(f"the stalled peer: {lines}")
    return back, lines[-1]["last_done"]
