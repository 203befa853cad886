//! The registrar's task: takes what sessions leave in the mailbox, judges in short turns, tells readers, and writes down.
//! Nothing waits for it, and it waits for no session.

use std::collections::VecDeque;
use std::collections::hash_map::IntoIter;
use std::net::IpAddr;
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

use super::Numbered;
use super::book::{Book, CannotValidate};
use super::events::Events;
use super::kept::{KeptState, NotKept, ToKeep};
use super::mailbox::{Mailbox, News};
use super::registry::Registry;
use super::tracked::{Judges, Now};
use crate::metrics::Metrics;
use crate::peering::Sighting;
use crate::speaker::clock::Clock;
use crate::speaker::store::Store;

/// Words of the mailbox that are taken in in one turn.
const NEWS_A_TURN: usize = 1024;
/// Prefixes judged in one turn.
const JUDGED_A_TURN: usize = 256;
/// How long what changes gathers before it is looked at, and how often readers are told at most.
const GATHER: Duration = Duration::from_millis(50);
/// How often verdicts are written at most, which is all that is registered, however few changed: a peer decides how often
/// they do. A new key is at once, and what a plan registers.
const SAVE_EVERY: Duration = Duration::from_secs(10);
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

/// One session's word that was taken from the mailbox, as far as it has not been taken in.
#[derive(Debug)]
struct Unread {
    peer: IpAddr,
    seen: IntoIter<IpNet, Option<Sighting>>,
    /// Counts when all of it has.
    answered: Option<u64>,
}

/// Everything that the task owns.
#[derive(Debug)]
pub(super) struct Registrar {
    book: Book,
    events: Events,
    store: Option<Store>,
    plans: watch::Receiver<Numbered>,
    mailbox: Arc<Mailbox>,
    orders: mpsc::Receiver<Order>,
    registry: Arc<ArcSwap<Registry>>,
    metrics: Metrics,
    began: Instant,
    /// What was taken from the mailbox and not taken in yet.
    unread: VecDeque<Unread>,
    /// The mailbox is not opened before.
    open_at: Instant,
    is_published: bool,
    save_at: Option<Instant>,
    save_events_at: Option<Instant>,
    saved_at: Option<Instant>,
    saving: Option<JoinHandle<Result<(), NotKept>>>,
    /// The last writing failed, and the next has its time.
    is_failing: bool,
}

/// What the registrar is given to work with.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) kept: KeptState,
    pub(super) events: Events,
    pub(super) plans: watch::Receiver<Numbered>,
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
        unread: VecDeque::new(),
        open_at: Instant::now(),
        is_published: true,
        save_at: None,
        save_events_at: None,
        saved_at: None,
        saving: None,
        is_failing: false,
    };
    registrar.take_plan();
    while AssertUnwindSafe(registrar.serve()).catch_unwind().await.is_err() {
        error!("the registrar died, and goes on with what it has: this is a bug");
        // It may have been within a plan.
        registrar.plans.mark_changed();
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
        !self.unread.is_empty() || !self.book.is_idle()
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
        let (number, plan) = self.plans.borrow_and_update().clone();
        self.book.apply(&plan, number, self.now());
        self.publish();
        if !self.is_failing {
            self.save_at = Some(Instant::now());
        }
        self.save_events_later();
    }

    fn take_news(&mut self, news: News) {
        // A plan that came before the news says what of it counts.
        if self.plans.has_changed().unwrap_or(false) {
            self.take_plan();
        }
        for (peer, word) in news {
            if word.has_gone {
                self.book.forget(peer);
            }
            let (seen, answered) = (word.newest.into_iter(), word.answered);
            self.unread.push_back(Unread { peer, seen, answered });
        }
        self.open_at = Instant::now() + GATHER;
    }

    /// A short piece of the work at hand.
    fn turn(&mut self) {
        let mut taken = 0;
        while taken < NEWS_A_TURN {
            let Some(unread) = self.unread.front_mut() else { break };
            taken += 1;
            match unread.seen.next() {
                Some((prefix, sighting)) => self.book.see((unread.peer, prefix), sighting),
                None => {
                    let (peer, answered) = (unread.peer, unread.answered);
                    self.unread.pop_front();
                    answered.into_iter().for_each(|plan| self.book.answered(peer, plan));
                }
            }
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
        if self.book.take_new_key() && !self.is_failing {
            // Somebody waits for it, and it is shown as soon as it is there whatever comes.
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
        let Some(store) = self.store.clone() else {
            // Nothing outlives the process, and no key has to.
            self.book.saved();
            return None;
        };
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

    fn on_saved(&mut self, saved: Result<(), NotKept>) {
        (self.saving, self.saved_at) = (None, Some(Instant::now()));
        let again = Some(Instant::now() + SAVE_AGAIN);
        self.is_failing = saved.as_ref().is_err_and(|not_kept| !not_kept.has_registrations);
        if self.is_failing {
            self.save_at = again;
            self.book.save_again();
        } else {
            self.book.saved();
            if self.book.is_unpublished() {
                self.publish();
            }
        }
        if let Err(NotKept { error, .. }) = saved {
            let hidden_keys = self.book.hidden_keys();
            let what = "the state of registrations cannot be written; it is tried again, and new keys are hidden before";
            warn!(error, hidden_keys, "{what}");
            self.events.save_again();
            self.save_events_at = again;
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

async fn finished(saving: Option<&mut JoinHandle<Result<(), NotKept>>>) -> Result<(), NotKept> {
    match saving {
        Some(saving) => saving
            .await
            .unwrap_or_else(|died| Err(NotKept { error: died.to_string(), has_registrations: false })),
        None => std::future::pending().await,
    }
}
