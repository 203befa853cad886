"""GoBGP: an MRT dump injected through its own client, the fastest way in (a route at a time through the client takes days)."""

from .. import room
from . import mrt
from .base import Speaker, said

API = ("127.0.0.1", 50051)
# The client ends before all that it streamed has arrived: up to a thousand of the last routes were lost. So the first are repeated
# at the end, and it is they who get lost.
SACRIFICED = 4096


class GoBgp(Speaker):
    name = "gobgp"

    def version(self):
        return said("gobgpd", "--version")

    def prepare(self, folder, table, peers):
        self.folder = folder
        mrt.write(folder / "table.mrt", table.by_set("table"), SACRIFICED)
        neighbours = "".join(
            f"""[[neighbors]]
[neighbors.config]
neighbor-address = "{room.peer_address(peer)}"
peer-as = {room.PEER_AS}
[neighbors.transport.config]
passive-mode = true
local-address = "{room.speaker_address(peer)}"
[neighbors.ebgp-multihop.config]
enabled = true
multihop-ttl = 255
"""
            for peer in range(peers)
        )
        (folder / "gobgpd.toml").write_text(
            f'[global.config]\nas = {room.SPEAKER_AS}\nrouter-id = "{room.SPEAKER}"\nport = {room.PORT}\n{neighbours}'
        )

    def start(self, daemons):
        hosts = f"{API[0]}:{API[1]}"
        daemons.start("gobgpd", "-f", self.folder / "gobgpd.toml", "-l", "error", "--pprof-disable", "--api-hosts", hosts)

    def load(self, daemons):
        room.await_listener(API, 10.0)
        daemons.client("gobgp", "mrt", "inject", "global", self.folder / "table.mrt")

    def write_change(self, table):
        mrt.write(self.folder / "changed.mrt", table.by_set("changed"), SACRIFICED)

    def reload(self, daemons):
        daemons.client("gobgp", "mrt", "inject", "global", self.folder / "changed.mrt")
