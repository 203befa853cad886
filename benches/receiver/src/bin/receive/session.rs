//! One session: bytes in, counts and times out.

use std::io::{ErrorKind, Read, Write};

use bench_receiver::now;
use bench_receiver::wire::{Counts, Digest, Frame, KEEPALIVE, NOTIFICATION, OPEN, UPDATE, frame, message};
use mio::net::TcpStream;

use crate::args::Args;

/// Seconds that an unanswered OPEN keeps others from dialing.
const PATIENCE: f64 = 1.0;

/// When things happened to a session.
#[derive(Clone, Copy, Default)]
pub struct Times {
    pub established: f64,
    /// The first UPDATE that announced something.
    pub first: f64,
    /// The last UPDATE that announced or withdrew something.
    pub last: f64,
    /// The last End-of-RIB.
    pub end_of_rib: f64,
}

/// How far a session has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    Connecting,
    /// Our OPEN is out.
    OpenSent,
    /// The speaker's OPEN is in, our KEEPALIVE is out.
    OpenConfirm,
    Established,
    /// Established, and everything expected is here.
    Done,
}

/// Why a connection ended.
pub enum End {
    /// Before anything was told: the speaker may not be ready, so dial again.
    Early,
    /// After that: the session has failed.
    Failed(String),
}

pub struct Session {
    pub number: usize,
    pub stream: TcpStream,
    pub stage: Stage,
    pub times: Times,
    pub counts: Counts,
    /// The counts and the begin of the burst under way, after Done.
    pub burst: Option<(f64, Counts)>,
    pub alive: f64,
    /// The start of a message whose end has not come.
    rest: Vec<u8>,
}

impl Session {
    pub fn new(number: usize, stream: TcpStream) -> Self {
        Self {
            number,
            stream,
            stage: Stage::Connecting,
            times: Times::default(),
            counts: Counts::default(),
            burst: None,
            alive: now(),
            rest: vec![],
        }
    }

    /// Whether it takes one of the places of those who wait for the speaker's OPEN.
    pub fn is_dialing(&self, time: f64) -> bool {
        matches!(self.stage, Stage::Connecting | Stage::OpenSent) && time - self.alive < PATIENCE
    }

    pub fn is_established(&self) -> bool {
        matches!(self.stage, Stage::Established | Stage::Done)
    }

    /// The connection may be up: say OPEN.
    pub fn writable(&mut self, args: &Args) -> Result<(), End> {
        if self.stage != Stage::Connecting {
            return Ok(());
        }
        match self.stream.take_error() {
            Ok(None) => {}
            _ => return Err(End::Early),
        }
        match self.stream.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
            Err(_) => return Err(End::Early),
        }
        self.stream.set_nodelay(true).map_err(|_| End::Early)?;
        self.stage = Stage::OpenSent;
        self.say(&args.open(self.number))
    }

    /// A KEEPALIVE when it is due.
    pub fn keep_alive(&mut self, args: &Args, time: f64) -> Result<(), End> {
        if self.is_established() && time - self.alive >= f64::from(args.hold) / 3.0 {
            self.alive = time;
            self.say(&message(KEEPALIVE, &[]))?;
        }
        Ok(())
    }

    /// Our messages are few and short, so the socket always has room for them.
    fn say(&mut self, bytes: &[u8]) -> Result<(), End> {
        match self.stream.write(bytes) {
            Ok(n) if n == bytes.len() => Ok(()),
            Ok(_) => Err(self.ended("the speaker reads nothing".into())),
            Err(error) => Err(self.ended(error.to_string())),
        }
    }

    /// A speaker that has told nothing yet may close since an earlier connection of ours is still open to it.
    pub fn ended(&self, why: String) -> End {
        if self.is_established() && self.counts.updates > 0 { End::Failed(why) } else { End::Early }
    }

    /// Reads all there is. `buffer` is the thread's, so that a session costs no more than what it left unread of a message.
    pub fn readable(&mut self, buffer: &mut [u8], args: &Args) -> Result<(), End> {
        loop {
            let held = self.rest.len();
            buffer[..held].copy_from_slice(&self.rest);
            let read = match self.stream.read(&mut buffer[held..]) {
                Ok(0) => return Err(self.ended("closed by the speaker".into())),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.ended(error.to_string())),
            };
            let mut input = &buffer[..held + read];
            let time = now();
            loop {
                match frame(input) {
                    Frame::Whole(kind, body, length) => {
                        self.take(kind, body, time, args.digest())?;
                        input = &input[length..];
                    }
                    Frame::Partial => break,
                    Frame::Broken => return Err(self.ended("not a BGP header".into())),
                }
            }
            self.rest.clear();
            self.rest.extend_from_slice(input);
            // A short read emptied the socket; more would be told by another event.
            if held + read < buffer.len() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, kind: u8, body: &[u8], time: f64, digest: Digest) -> Result<(), End> {
        match (kind, self.stage) {
            (OPEN, Stage::OpenSent) => {
                self.stage = Stage::OpenConfirm;
                self.say(&message(KEEPALIVE, &[]))
            }
            (KEEPALIVE, Stage::OpenConfirm) => {
                self.stage = Stage::Established;
                self.times.established = time;
                Ok(())
            }
            (KEEPALIVE, _) => Ok(()),
            (UPDATE, Stage::Established | Stage::Done) => self.count(body, time, digest),
            (NOTIFICATION, _) => Err(self.ended(format!("NOTIFICATION {body:?}"))),
            (kind, stage) => Err(End::Failed(format!("message type {kind} in {stage:?}"))),
        }
    }

    fn count(&mut self, body: &[u8], time: f64, digest: Digest) -> Result<(), End> {
        let before = self.counts;
        self.counts.update(body, digest).map_err(|why| End::Failed(why.into()))?;
        if self.counts.changes() == before.changes() {
            self.times.end_of_rib = time;
            return Ok(());
        }
        if before.changes() == 0 {
            self.times.first = time;
        }
        self.times.last = time;
        if self.stage == Stage::Done && self.burst.is_none() {
            self.burst = Some((time, before));
        }
        Ok(())
    }

    /// Whether this session has just got everything expected.
    pub fn is_newly_done(&mut self, args: &Args) -> bool {
        let done = self.stage == Stage::Established
            && args.expect.is_none_or(|expected| self.counts.announced.iter().sum::<u64>() >= expected)
            && (!args.eor || args.families.iter().all(|family| self.counts.end_of_rib[*family as usize]));
        if done {
            self.stage = Stage::Done;
        }
        done
    }
}
