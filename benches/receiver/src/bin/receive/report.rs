//! What the threads tell each other and the world.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bench_receiver::now;
use bench_receiver::wire::Counts;

use crate::args::Args;
use crate::session::{Session, Times};

pub struct Report {
    sessions: usize,
    summary: bool,
    pub deadline: f64,
    /// Someone has got a connection: until then one session alone dials, so that a speaker that is still loading is left
    /// in peace.
    pub reachable: AtomicBool,
    failures: AtomicUsize,
    done: Mutex<Vec<(Times, Counts)>>,
}

impl Report {
    pub fn new(args: &Args) -> Self {
        Self {
            sessions: args.sessions,
            summary: args.summary,
            deadline: now() + args.timeout,
            reachable: AtomicBool::new(false),
            failures: AtomicUsize::new(0),
            done: Mutex::new(Vec::with_capacity(args.sessions)),
        }
    }

    pub fn failed(&self) -> bool {
        self.failures.load(Ordering::SeqCst) > 0
    }

    pub fn failure(&self, session: usize, error: &str) {
        self.failures.fetch_add(1, Ordering::SeqCst);
        println!(r#"{{"event":"failed","session":{session},"error":{error:?}}}"#);
    }

    /// A session that was done has ended while it was watched.
    pub fn lost(&self, session: usize, error: &str) {
        println!(r#"{{"event":"lost","session":{session},"error":{error:?}}}"#);
    }

    /// Whether every session is done or has failed.
    pub fn is_over(&self) -> bool {
        self.done_sessions() + self.failures.load(Ordering::SeqCst) >= self.sessions
    }

    fn done_sessions(&self) -> usize {
        self.done.lock().map_or(0, |done| done.len())
    }

    pub fn done(&self, session: &Session) {
        let (times, counts) = (&session.times, &session.counts);
        if !self.summary {
            println!(
                r#"{{"event":"session","session":{},{},{}}}"#,
                session.number,
                times_of(times),
                counts_of(counts)
            );
        }
        let Ok(mut done) = self.done.lock() else { return };
        done.push((*times, *counts));
        if done.len() == self.sessions {
            self.all(&done);
        }
    }

    fn all(&self, done: &[(Times, Counts)]) {
        let latest = |time: fn(&Times) -> f64| done.iter().map(|(times, _)| time(times)).fold(0.0, f64::max);
        let mut sum = Counts { end_of_rib: [true; 2], ..Counts::default() };
        for (_, counts) in done {
            sum.updates += counts.updates;
            sum.bytes += counts.bytes;
            sum.digest = sum.digest.wrapping_add(counts.digest);
            for family in 0..2 {
                sum.announced[family] += counts.announced[family];
                sum.withdrawn[family] += counts.withdrawn[family];
                sum.end_of_rib[family] &= counts.end_of_rib[family];
            }
        }
        println!(
            r#"{{"event":"all","sessions":{},"last_established":{:.6},"last":{:.6},"established_to_last":{:.6},{}}}"#,
            done.len(),
            latest(|times| times.established),
            latest(|times| times.last),
            latest(|times| times.last - times.established),
            counts_of(&sum)
        );
    }

    pub fn burst(&self, session: &Session, begin: f64, before: &Counts) {
        let counts = &session.counts;
        println!(
            r#"{{"event":"burst","session":{},"begin":{begin:.6},"end":{:.6},"updates":{},"bytes":{},"announced":{},"withdrawn":{},"digest":"{:016x}"}}"#,
            session.number,
            session.times.last,
            counts.updates - before.updates,
            counts.bytes - before.bytes,
            counts.announced.iter().sum::<u64>() - before.announced.iter().sum::<u64>(),
            counts.withdrawn.iter().sum::<u64>() - before.withdrawn.iter().sum::<u64>(),
            counts.digest.wrapping_sub(before.digest),
        );
    }
}

fn times_of(times: &Times) -> String {
    let end_of_rib = if times.end_of_rib > 0.0 { format!("{:.6}", times.end_of_rib) } else { "null".into() };
    format!(
        r#""established":{:.6},"first":{:.6},"last":{:.6},"end_of_rib":{end_of_rib}"#,
        times.established, times.first, times.last
    )
}

fn counts_of(counts: &Counts) -> String {
    format!(
        r#""ipv4":{},"ipv6":{},"withdrawn_ipv4":{},"withdrawn_ipv6":{},"updates":{},"bytes":{},"end_of_rib_ipv4":{},"end_of_rib_ipv6":{},"digest":"{:016x}""#,
        counts.announced[0],
        counts.announced[1],
        counts.withdrawn[0],
        counts.withdrawn[1],
        counts.updates,
        counts.bytes,
        counts.end_of_rib[0],
        counts.end_of_rib[1],
        counts.digest,
    )
}
