//! Tokio tasks, sockets, channels, supervision. The only place with `unsafe`, in one file.
//!
//! A session is one task that owns all of it; the supervisor starts and ends them and gives each its intent; whoever
//! looks holds a [`Handle`].

mod clock;
mod connection;
mod disk;
mod flight;
mod gauges;
mod generations;
mod handle;
mod hold_down;
mod imports;
mod keyring;
mod leaving;
mod ledger;
mod lifecycle;
mod limit_watch;
mod listen;
mod origin;
mod peer;
mod pool;
mod registrar;
mod said;
mod snapshot;
mod status;
mod store;
mod supervisor;
mod system;
mod terms;
#[cfg(test)]
mod tests;

pub use disk::{ReplaceError, replace};
pub use generations::Generations;
#[cfg(test)]
pub(crate) use handle::{Ask, SessionEntry};
pub use handle::{AskError, CannotRefresh, Handle, RefreshWay, ResetDone, ResetOrder};
pub use leaving::Leaving;
pub use lifecycle::{CannotChangeType, Resumed, TypeChangeBegun, read_connections};
pub use listen::{ListenError, Listeners};
pub use origin::{CacheState, CacheStatus, OriginStatus, Origins, OriginsInForce};
#[cfg(test)]
pub(crate) use registrar::RegistrarDesk;
pub use registrar::{
    CannotValidate, Events, KeptState, PeeringRegistry, RegisteredAsnStatus, RegisteredPrefixStatus,
    Registry, ServicePrefixStatus,
};
#[doc(hidden)]
pub use registrar::{PenApart, RegistrarApart};
pub use snapshot::{LastError, LimitPassed, Overview, SessionSnapshot};
pub use store::{StateError, Store, without_place};
pub use supervisor::{Ended, NotReloaded, Speaker};
pub use system::{give_memory_back, settle_memory};
