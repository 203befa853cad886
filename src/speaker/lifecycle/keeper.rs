//! Writes what is kept of connections to disk: the newest, at most once a second, and at the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::{error, warn};

use crate::config::Kept;
use crate::speaker::store::Store;

/// Between two writes.
const PAUSE: Duration = Duration::from_secs(1);

/// The task that writes.
#[derive(Debug)]
pub(super) struct Keeper {
    newest: watch::Sender<Arc<Kept>>,
    /// Gone once the end has come, when nothing is paused for any more.
    going_on: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Writes what is kept now, and from then on whatever replaces it.
    pub(super) fn start(store: Store, file: &'static str, kept: Arc<Kept>) -> Self {
        let (newest, mut changed) = watch::channel(kept);
        let (going_on, over) = oneshot::channel();
        changed.mark_changed();
        Self { newest, going_on, task: tokio::spawn(write(store, file, changed, over)) }
    }

    /// What is kept now.
    pub(super) fn keep(&self, kept: Arc<Kept>) {
        self.newest.send_replace(kept);
    }

    /// Until the newest is written.
    pub(super) async fn end(self) {
        let Self { newest, going_on, task } = self;
        drop(going_on);
        drop(newest);
        if task.await.is_err() {
            warn!("whoever keeps the states of connections had died");
        }
    }
}

async fn write(
    store: Store,
    file: &'static str,
    mut newest: watch::Receiver<Arc<Kept>>,
    mut over: oneshot::Receiver<()>,
) {
    let mut is_ending = false;
    // The last value is still told when its sender has gone.
    while newest.changed().await.is_ok() {
        let kept = newest.borrow_and_update().clone();
        let to = store.clone();
        let written = match spawn_blocking(move || to.write(file, &*kept)).await {
            Ok(written) => written.map_err(|error| error.to_string()),
            Err(died) => Err(died.to_string()),
        };
        if let Err(error) = written {
            error!(error, "the states of connections are not kept");
            if is_ending {
                return;
            }
            newest.mark_changed();
        }
        if !is_ending {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = &mut over => is_ending = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KeptConnection;
    use crate::peering::{ConnectionState, PolicyGroup};

    #[tokio::test]
    async fn the_newest_is_written_at_the_end_and_a_disk_that_fails_ends_too() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let keeper = Keeper::start(store.clone(), "c.json", Arc::default());
        let connection = KeptConnection {
            state: ConnectionState::Active,
            bandwidth_in_mbps: None,
            policy_group: PolicyGroup::default(),
            configured: PolicyGroup::default(),
            change: None,
            peers: ["192.0.2.1/32".parse().unwrap()].into(),
        };
        let kept = Kept { connections: [("c".into(), connection)].into(), ..Kept::default() };
        for _ in 0..3 {
            keeper.keep(Arc::default());
        }
        keeper.keep(Arc::new(kept.clone()));
        keeper.end().await;
        assert_eq!(store.read("c.json").unwrap(), Some(kept.clone()));
        let nowhere = Keeper::start(Store::new(&dir.path().join("none")), "c.json", Arc::new(kept));
        nowhere.end().await;
    }
}
