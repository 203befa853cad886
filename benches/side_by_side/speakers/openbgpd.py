"""OpenBGPD: an MRT dump imported through bgpctl. `network prefix-set` in its configuration takes time by the square of the table
(three seconds for 20,000 prefixes), `network bulk` a client for each attribute set."""

import shutil

from .. import room
from . import mrt
from .base import Speaker, said

BGPD = "/usr/sbin/bgpd"


class OpenBgpd(Speaker):
    name = "openbgpd"

    def version(self):
        # Other routing suites install a bgpd as well.
        words = said(BGPD, "-V")
        return words if words and words.startswith("OpenBGPD") and shutil.which("bgpctl") else None

    def prepare(self, folder, table, peers):
        self.socket = str(folder / "control.sock")
        self.folder = folder
        mrt.write(folder / "table.mrt", table.by_set("table"))
        # The folder that its daemons change their root to; a service manager would make it.
        home = room.home_of("_openbgpd")
        if home:
            home.mkdir(parents=True, exist_ok=True)
        neighbours = "".join(
            f"neighbor {room.peer_address(peer)} {{\n  remote-as {room.PEER_AS}\n  local-address {room.speaker_address(peer)}\n"
            "  passive\n  multihop 255\n  announce IPv6 none\n}\n"
            for peer in range(peers)
        )
        configuration = folder / "bgpd.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"AS {room.SPEAKER_AS}\nrouter-id {room.SPEAKER}\nlisten on 0.0.0.0 port {room.PORT}\nfib-update no\n"
            f'socket "{self.socket}"\n{neighbours}allow from any\nallow to any\n'
        )

    def start(self, daemons):
        daemons.start(BGPD, "-d", "-f", self.folder / "bgpd.conf")

    def load(self, daemons):
        room.await_listener(self.socket, 10.0)
        self.import_dump(daemons, "table.mrt")

    def write_change(self, table):
        mrt.write(self.folder / "changed.mrt", table.by_set("changed"))

    def reload(self, daemons):
        self.import_dump(daemons, "changed.mrt")

    def import_dump(self, daemons, name):
        daemons.client("bgpctl", "-s", self.socket, "network", "mrt", "file", self.folder / name, "inet")
