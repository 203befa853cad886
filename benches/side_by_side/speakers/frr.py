"""FRR: `network` lines with a route-map for each attribute set, in bgpd alone.

Static routes redistributed by zebra and staticd cost two more daemons and the kernel's table; the check that a network is in the
routing table is off, and the wait before a group of peers is told (one second) is set to nothing."""

from .. import room
from .base import Speaker, said

BGPD = "/usr/lib/frr/bgpd"


class Frr(Speaker):
    name = "frr"

    def version(self):
        return said(BGPD, "--version")

    def prepare(self, folder, table, peers):
        self.folder = folder
        addresses = [room.peer_address(peer) for peer in range(peers)]
        with open(folder / "bgpd.conf", "w") as out:
            out.write("frr defaults datacenter\n")
            for number in table.by_set("table"):
                out.write(f"route-map SET{number} permit 10\n set community {room.SPEAKER_AS}:{number}\nexit\n")
            out.write(
                f"""router bgp {room.SPEAKER_AS}
 bgp router-id {room.SPEAKER}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 coalesce-time 0
 neighbor partner peer-group
 neighbor partner remote-as {room.PEER_AS}
 neighbor partner passive
 neighbor partner disable-connected-check
"""
            )
            for peer, address in enumerate(addresses):
                out.write(f" neighbor {address} peer-group partner\n")
                out.write(f" neighbor {address} update-source {room.speaker_address(peer)}\n")
            out.write(" address-family ipv4 unicast\n  neighbor partner activate\n")
            out.writelines(self.networks(table, "table"))
            out.write(" exit-address-family\nexit\n")

    def networks(self, table, name):
        for number, prefixes in table.by_set(name).items():
            for prefix in prefixes:
                yield f"  network {prefix} route-map SET{number}\n"

    def start(self, daemons):
        # As root of a namespace that is its own, without zebra, and with no telnet port.
        daemons.start(
            BGPD, "--no_zebra", "--skip_runas", "--user", "root", "--group", "root", "--vty_port", "0", "--vty_socket", self.folder,
            "--config_file", self.folder / "bgpd.conf", "--pid_file", self.folder / "bgpd.pid",
            "--socket", self.folder / "zserv.api",
        )  # fmt: skip

    def write_change(self, table):
        with open(self.folder / "change.conf", "w") as out:
            out.write(f"router bgp {room.SPEAKER_AS}\n address-family ipv4 unicast\n")
            out.writelines(self.networks(table, "changed"))

    def reload(self, daemons):
        # The changed lines alone: comparing whole configurations (frr-reload.py) takes minutes.
        daemons.client("vtysh", "--vty_socket", self.folder, "-d", "bgpd", "-f", self.folder / "change.conf")
