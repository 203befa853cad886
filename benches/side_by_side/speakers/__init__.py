"""The speakers: how each is given the table, in its best mode for origination. README.md in `benches/` says why these modes."""

from .bird import Bird
from .floor import Floor
from .frr import Frr
from .gobgp import GoBgp
from .openbgpd import OpenBgpd
from .peeringd import Peeringd, PeeringdList

SPEAKERS = {kind.name: kind for kind in (Floor, Peeringd, PeeringdList, Bird, Frr, GoBgp, OpenBgpd)}
