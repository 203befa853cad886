"""peeringd: the RIB as a file in block form, or in list form for the cold start from that."""

import hashlib
import os
import signal

from .. import room
from .base import Speaker, said


class Peeringd(Speaker):
    name = "peeringd"
    default_shapes = frozenset({"1Mx1", "1Mx10", "100kx10", "100kx100"})

    def __init__(self, peeringd):
        self.binary = peeringd

    def version(self):
        if not self.binary.exists():
            return None
        # Builds between releases have one version.
        digest = hashlib.sha256(self.binary.read_bytes()).hexdigest()[:12]
        return f"{said(str(self.binary), '--version')}, build {digest}"

    def prepare(self, folder, table, peers):
        self.folder = folder
        self.write_rib(table, "table")
        connections = "".join(
            f"""
      - name: peer-{peer}
        connection_state: active
        bgp_session:
          microsoft_session_ipv4_address: {room.speaker_address(peer)}
          peer_session_ipv4_address: {room.peer_address(peer)}
          passive: true
          hold_time: 90
          max_prefixes_advertised_v4: null"""
            for peer in range(peers)
        )
        (folder / "peeringd.yaml").write_text(
            f"""router:
  asn: {room.SPEAKER_AS}
  router_id: {room.SPEAKER}
  listen: ["0.0.0.0:{room.PORT}"]
rib: rib.yaml
control: {{ socket: {folder}/control.sock }}
state_dir: {folder}/state
lab: true
peerings:
  - name: bench
    kind: direct
    peer_asn: {room.PEER_AS}
    connections:{connections}
"""
        )

    def write_rib(self, table, name):
        fresh = self.folder / "rib.new"
        with open(fresh, "w") as out:
            out.write("routes:\n")
            for number, prefixes in table.by_set(name).items():
                out.write(f'  - communities: ["{room.SPEAKER_AS}:{number}"]\n')
                self.write_prefixes(prefixes, out)
        os.replace(fresh, self.folder / "rib.yaml")

    def write_prefixes(self, prefixes, out):
        out.write("    prefixes: |\n")
        out.writelines(f"      {prefix}\n" for prefix in prefixes)

    def start(self, daemons):
        self.process = daemons.start(self.binary, "run", "--config", self.folder / "peeringd.yaml")

    def write_change(self, table):
        self.write_rib(table, "after")

    def reload(self, daemons):
        self.process.send_signal(signal.SIGHUP)


class PeeringdList(Peeringd):
    name = "peeringd-list"
    default_shapes = frozenset({"1Mx1"})
    cold_start_only = True

    def write_prefixes(self, prefixes, out):
        out.write("    prefixes:\n")
        out.writelines(f"      - {prefix}\n" for prefix in prefixes)
