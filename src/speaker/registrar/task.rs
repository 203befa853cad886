//! The registrar's task: takes what sessions leave in the mailbox, judges in short turns, tells readers, and writes down.
//! Nothing waits for it, and it waits for no session.

use std::collections::hash_map::IntoIter;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use ipnet::IpNet;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking, yield_now};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, error, warn};

use super::book::{Book, CannotValidate};
use super::events::Events;
use super::kept::{KeptState, ToKeep};
use super::mailbox::{Mailbox, News, SeenBy};
use super::registry::Registry;
use super::tracked::{Judges, Now};
use crate::config::Plan;
use crate::metrics::Metrics;
use crate::peering::Sighting;
use crate::speaker::clock::Clock;
use crate::speaker::store::{StateError, Store};

/// Words of the mailbox that are taken in in one turn.
const NEWS_A_TURN: usize = 1024;
/// Prefixes judged in one turn.
const JUDGED_A_TURN: usize = 256;
/// How long what changes gathers before it is looked at, and how often readers are told at most.
const GATHER: Duration = Duration::from_millis(50);
/// How often verdicts are written at most; a new key is at once.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// How often the log of events is written at most: all of it, however few came.
const SAVE_EVENTS_EVERY: Duration = Duration::from_secs(10);
/// When writing is tried again that failed.
const SAVE_AGAIN: Duration = Duration::from_secs(10);
/// How long the registrar rests that died.
const AFTER_PANIC: Duration = Duration::from_secs(1);

/// What the registrar is told to do.
#[derive(Debug)]
pub(super) enum Order {
    Validate {
        prefix: IpNet,
        reply: oneshot::Sender<Result<(), CannotValidate>>,
    },
    /// Write down what there is, and end.
    End {
        done: oneshot::Sender<()>,
    },
}

/// Everything that the task owns.
#[derive(Debug)]
pub(super) struct Registrar {
    book: Book,
    events: Events,
    store: Option<Store>,
    plans: watch::Receiver<Arc<Plan>>,
    mailbox: Arc<Mailbox>,
    orders: mpsc::Receiver<Order>,
    registry: Arc<ArcSwap<Registry>>,
    metrics: Metrics,
    began: Instant,
    /// What was taken from the mailbox and not taken in yet.
    unread: IntoIter<SeenBy, Option<Sighting>>,
    /// The mailbox is not opened before.
    open_at: Instant,
    is_published: bool,
    save_at: Option<Instant>,
    save_events_at: Option<Instant>,
    saved_at: Option<Instant>,
    saving: Option<JoinHandle<Result<(), StateError>>>,
}

/// What the registrar is given to work with.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) kept: KeptState,
    pub(super) events: Events,
    pub(super) plans: watch::Receiver<Arc<Plan>>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) registry: Arc<ArcSwap<Registry>>,
    pub(super) metrics: Metrics,
    pub(super) judges: Judges,
}

/// Runs the registrar until it is told to end; where it dies, it goes on with what it has.
pub(super) async fn run(links: Links) {
    let Links { kept, events, plans, mailbox, orders, registry, metrics, judges } = links;
    let KeptState { store, registrations, events: _ } = kept;
    let mut registrar = Registrar {
        book: Book::new(registrations, events.clone(), judges),
        events,
        store,
        plans,
        mailbox,
        orders,
        registry,
        metrics,
        began: Instant::now(),
        unread: std::collections::HashMap::new().into_iter(),
        open_at: Instant::now(),
        is_published: true,
        save_at: None,
        save_events_at: None,
        saved_at: None,
        saving: None,
    };
    registrar.take_plan();
    while AssertUnwindSafe(registrar.serve()).catch_unwind().await.is_err() {
        error!("the registrar died, and goes on with what it has: this is a bug");
        sleep(AFTER_PANIC).await;
    }
}

impl Registrar {
    fn now(&self) -> Now {
        Now { moment: self.began.elapsed(), unix: Clock::unix() }
    }

    async fn serve(&mut self) {
        loop {
            if self.is_busy() {
                self.turn();
                yield_now().await;
            }
            let next = self.next();
            tokio::select! {
                biased;
                changed = self.plans.changed() => match changed {
                    Ok(()) => self.take_plan(),
                    Err(_) => return self.end().await,
                },
                order = self.orders.recv() => match order {
                    Some(Order::Validate { prefix, reply }) => {
                        let said = self.book.validate(prefix, self.now());
                        self.publish();
                        answer(reply, said);
                    }
                    Some(Order::End { done }) => {
                        self.end().await;
                        answer(done, ());
                        return;
                    }
                    None => return self.end().await,
                },
                saved = finished(self.saving.as_mut()) => self.on_saved(saved),
                () = self.events.came() => self.save_events_later(),
                news = gathered(&self.mailbox, self.open_at), if !self.is_busy() => self.take_news(news),
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => self.on_time(),
                () = std::future::ready(()), if self.is_busy() => {}
            }
        }
    }

    /// Whether there is work at hand.
    fn is_busy(&self) -> bool {
        self.unread.len() > 0 || !self.book.is_idle()
    }

    /// When there will be.
    fn next(&self) -> Option<Instant> {
        let judge = self.book.next().and_then(|at| self.began.checked_add(at));
        let save = [self.save_at, self.save_events_at].into_iter().flatten().min();
        let save = save.filter(|_| self.saving.is_none());
        let publish = (!self.is_published).then_some(self.open_at);
        [judge, save, publish].into_iter().flatten().min()
    }

    fn on_time(&mut self) {
        let now = self.now();
        self.book.judge(JUDGED_A_TURN, now);
        self.is_published = false;
        if self.open_at <= Instant::now() && !self.is_busy() {
            self.publish();
        }
        let is_due = |at: Instant| at <= Instant::now();
        let (is_save, is_events) =
            (self.save_at.is_some_and(is_due), self.save_events_at.is_some_and(is_due));
        if is_save || is_events {
            self.save(is_events);
        }
    }

    fn take_plan(&mut self) {
        let plan = self.plans.borrow_and_update().clone();
        self.book.apply(&plan, self.now());
        self.publish();
        self.save_events_later();
    }

    fn take_news(&mut self, news: News) {
        // A plan that came before the news says what of it counts.
        if self.plans.has_changed().unwrap_or(false) {
            self.take_plan();
        }
        news.gone.into_iter().for_each(|peer| self.book.forget(peer));
        self.unread = news.newest.into_iter();
        self.open_at = Instant::now() + GATHER;
    }

    /// A short piece of the work at hand.
    fn turn(&mut self) {
        let mut taken = 0;
        while taken < NEWS_A_TURN {
            let Some((by, sighting)) = self.unread.next() else { break };
            self.book.see(by, sighting);
            taken += 1;
        }
        if taken == 0 {
            self.book.judge(JUDGED_A_TURN, self.now());
        }
        self.is_published = false;
        if !self.is_busy() {
            self.publish();
        }
    }

    /// Shows readers what changed.
    fn publish(&mut self) {
        self.is_published = true;
        if self.book.take_new_key() {
            // Somebody may bring it from now on, so that it is to be there after whatever comes.
            self.save_at = Some(Instant::now());
            self.save(false);
        }
        let changed = self.book.publish();
        let Some(plan) = self.book.plan() else { return };
        let before = self.registry.load_full();
        let is_same = before.peerings.len() == plan.peerings.len()
            && before.peerings.iter().zip(&plan.peerings).all(|(b, p)| b.peering == p.name);
        if changed.is_empty() && is_same {
            return;
        }
        let find = |name: &str| {
            let newest = changed.iter().find(|p| &*p.peering == name);
            newest.cloned().or_else(|| before.peering(name))
        };
        let peerings = plan.peerings.iter().filter_map(|p| find(&p.name)).collect();
        let registry = Arc::new(Registry { peerings });
        self.registry.store(registry);
        self.metrics.registered(changed.iter().map(|peering| super::figures(peering)), |name| {
            plan.peerings.iter().any(|p| &*p.name == name)
        });
        self.save_soon();
    }

    fn save_soon(&mut self) {
        let earliest = self.saved_at.map_or_else(Instant::now, |at| at + SAVE_EVERY);
        self.save_at.get_or_insert(earliest);
    }

    fn save_events_later(&mut self) {
        self.save_events_at.get_or_insert(Instant::now() + SAVE_EVENTS_EVERY);
    }

    /// What is to be written, if there is anything and somewhere to write it.
    fn take_unsaved(&mut self, with_events: bool) -> Option<(Store, ToKeep)> {
        self.save_at = None;
        self.save_events_at.take_if(|_| with_events);
        let events = if with_events { self.events.unsaved() } else { None };
        let keep = ToKeep { registrations: self.book.unsaved(), events };
        let store = self.store.clone()?;
        (keep.registrations.is_some() || keep.events.is_some()).then_some((store, keep))
    }

    /// One write at a time: of two at once the older could be the last.
    fn save(&mut self, with_events: bool) {
        if self.saving.is_some() {
            return;
        }
        if let Some((store, keep)) = self.take_unsaved(with_events) {
            self.saving = Some(spawn_blocking(move || keep.write(&store)));
        }
    }

    fn on_saved(&mut self, saved: Result<(), String>) {
        (self.saving, self.saved_at) = (None, Some(Instant::now()));
        if let Err(error) = saved {
            warn!(error, "the state of registrations cannot be written; it is tried again");
            self.book.save_again();
            self.events.save_again();
            let again = Some(Instant::now() + SAVE_AGAIN);
            (self.save_at, self.save_events_at) = (again, again);
        }
    }

    /// Writes down what there is; tries once more what cannot be written.
    async fn end(&mut self) {
        self.saved().await;
        for _ in 0..2 {
            self.save(true);
            self.saved().await;
        }
    }

    /// Until nothing is being written.
    async fn saved(&mut self) {
        if self.saving.is_some() {
            let saved = finished(self.saving.as_mut()).await;
            self.on_saved(saved);
        }
    }
}

fn answer<T>(reply: oneshot::Sender<T>, said: T) {
    if reply.send(said).is_err() {
        debug!("whoever asked has gone");
    }
}

/// What is in the mailbox, but not before a moment.
async fn gathered(mailbox: &Mailbox, open_at: Instant) -> News {
    sleep_until(open_at).await;
    mailbox.take().await
}

async fn finished(saving: Option<&mut JoinHandle<Result<(), StateError>>>) -> Result<(), String> {
    match saving {
        Some(saving) => match saving.await {
            Ok(saved) => saved.map_err(|error| error.to_string()),
            Err(died) => Err(died.to_string()),
        },
        None => std::future::pending().await,
    }
}
