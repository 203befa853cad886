"""BIRD: one static protocol for each attribute set, whose import filter adds the community. A filter of its own at each route is the
other way: it took half again the time and nearly twice the memory."""

from .. import room
from .base import Speaker, said


class Bird(Speaker):
    name = "bird"

    def version(self):
        return said("bird", "--version")

    def prepare(self, folder, table, peers):
        self.folder = folder
        self.write_routes(table, "table")
        sessions = "".join(
            f"protocol bgp peer{peer} from partner {{\n  local {room.speaker_address(peer)} as {room.SPEAKER_AS};\n"
            f"  neighbor {room.peer_address(peer)} as {room.PEER_AS};\n}}\n"
            for peer in range(peers)
        )
        # BIRD 2.0 leaves the end of a table unsent until something wakes it, a timer or three seconds; the scan of interfaces is a
        # timer, and once a second is the most that it can do.
        (folder / "bird.conf").write_text(
            f"""router id {room.SPEAKER};
protocol device {{ scan time 1; }}
include "{folder}/routes.conf";
template bgp partner {{
  multihop;
  passive on;
  ipv4 {{ import none; export all; next hop self; }};
}}
{sessions}"""
        )

    def write_routes(self, table, name):
        with open(self.folder / "routes.conf", "w") as out:
            for number, prefixes in table.by_set(name).items():
                out.write(
                    f"protocol static set{number} {{\n"
                    f"  ipv4 {{ import filter {{ bgp_community.add(({room.SPEAKER_AS},{number})); accept; }}; }};\n"
                )
                out.writelines(f"route {prefix} blackhole;\n" for prefix in prefixes)
                out.write("}\n")

    def start(self, daemons):
        daemons.start("bird", "-f", "-c", self.folder / "bird.conf", "-s", self.folder / "bird.ctl", "-P", self.folder / "bird.pid")

    def write_change(self, table):
        self.write_routes(table, "after")

    def reload(self, daemons):
        daemons.client("birdc", "-s", self.folder / "bird.ctl", "configure")
