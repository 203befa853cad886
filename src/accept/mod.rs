//! What a peer may tell us: Adj-RIB-In, limits, how long its routes outlive its session. Nothing here is ever advertised.

mod adj_rib_in;
mod budget;
mod marks;
mod otc;
mod received;
mod retention;

pub use adj_rib_in::{AdjRibIn, Applied, Explained, ExplainedPath, LimitExceeded};
pub use budget::Budget;
pub use otc::OtcRule;
pub use received::{PathKey, ReceivedAttrs, ReceivedRoute};
pub use retention::Retention;
