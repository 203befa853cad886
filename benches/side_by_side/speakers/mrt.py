"""A table as an MRT dump (RFC 6396, TABLE_DUMP_V2), which GoBGP and OpenBGPD import faster than anything else."""

import itertools
import struct

from .. import room

TABLE_DUMP_V2, PEER_INDEX_TABLE, RIB_IPV4_UNICAST = 13, 1, 2


def write(path, by_set, repeated=0):
    """Rows by set, and then so many of them once more, from the first on and round again."""
    rows = [(prefix, number) for number, prefixes in by_set.items() for prefix in prefixes]
    with open(path, "wb") as out:
        out.write(record(PEER_INDEX_TABLE, peer_index()))
        for sequence, (prefix, number) in enumerate(itertools.islice(itertools.cycle(rows), len(rows) + repeated)):
            out.write(record(RIB_IPV4_UNICAST, entry(sequence, prefix, number)))


def record(subtype, body):
    return struct.pack(">IHHI", 0, TABLE_DUMP_V2, subtype, len(body)) + body


def octets(address):
    return bytes(map(int, address.split(".")))


def peer_index():
    """One collector, one peer: the speaker itself, with a four-octet AS number."""
    speaker = octets(room.SPEAKER)
    return speaker + struct.pack(">HHB", 0, 1, 2) + speaker + speaker + struct.pack(">I", room.SPEAKER_AS)


def entry(sequence, prefix, number):
    """ORIGIN IGP, an empty AS_PATH, no next hop, one community: a route of the importer's own."""
    address, _, length = prefix.partition("/")
    nlri = bytes([int(length)]) + octets(address)[: (int(length) + 7) // 8]
    attributes = bytes([0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 0, 0, 0, 0, 0xC0, 8, 4]) + struct.pack(">HH", room.SPEAKER_AS, number)
    return struct.pack(">I", sequence) + nlri + struct.pack(">HHIH", 1, 0, 0, len(attributes)) + attributes
