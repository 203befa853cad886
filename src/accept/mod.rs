//! What a peer may tell us: Adj-RIB-In, limits, reasons. Nothing here is ever advertised.
