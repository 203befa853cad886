"""A peer leaks a full table into a session that may tell 1,000 prefixes."""

import re
import time

from side_by_side import room
from side_by_side.speakers.peeringd import Peeringd

from .bench import Figure, mib

LIMIT = 1_000
GROWTH = 4 * 2**20
# bgpreplay is AS 8075 here and the next hop of what it says is the speaker's address, so peeringd is someone else, elsewhere.
ROUTER_AS = 64500


class Leaked(Peeringd):
    """peeringd that dials the one who leaks."""

    def prepare(self, folder, table, peers):
        self.folder = folder
        (folder / "rib.yaml").write_text("routes:\n  - prefixes: [20.33.0.0/16]\n")
        (folder / "peeringd.yaml").write_text(
            f"""router: {{ asn: {ROUTER_AS}, router_id: {room.SPEAKER}, listen: ["0.0.0.0:{room.PORT}"] }}
rib: rib.yaml
control: {{ socket: {folder}/control.sock }}
state_dir: {folder}/state
lab: true
peerings:
  - name: leak
    peer_asn: {room.SPEAKER_AS}
    connections:
      - name: leak
        bgp_session:
          microsoft_session_ipv4_address: {room.PEERS}
          peer_session_ipv4_address: {room.SPEAKER}
          peer_port: {room.PORT + 2}
          connect_retry: 1
          max_prefixes_advertised_v4: {LIMIT}
"""
        )


def figures(bench):
    table = bench.table(1_000_000)
    with bench.peeringd(table, 1, Leaked(bench.arguments.peeringd)) as run:
        before = run.daemons.memory("VmRSS")
        leaks = room.Daemons(bench.scratch / "leak.log")
        try:
            leaks.start(bench.tools / "bgpreplay", f"{room.SPEAKER}:{room.PORT + 2}", room.SPEAKER_AS, table.folder / "messages.bin")
            words = ended(run)
        finally:
            leaks.stop()
        time.sleep(1.0)
        grown = run.daemons.memory("VmHWM") - before
    yield Figure(f"{table.prefixes:,} prefixes into a limit of {LIMIT:,}: peak over VmRSS before", mib(GROWTH),
                 f"{mib(max(grown, 0))}; {words}", grown <= GROWTH)


def ended(run):
    """The log's words about the limit and about the NOTIFICATION, which must be Cease/1."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        log = (run.folder / "log").read_text(errors="replace")
        limit = re.search(rf"more than {LIMIT} ipv4 prefixes", log)
        cease = re.search(r"sent 6/1 .*", log)
        if limit and cease:
            return f"{limit.group()}, {cease.group()}"
        time.sleep(0.02)
    raise TimeoutError("the limit was not noticed")
