use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bench_receiver::wire::{Digest, Open};
use clap::{Parser, ValueEnum};

/// Opens BGP sessions to one speaker, counts what it is told, and prints when.
#[derive(Parser)]
pub struct Args {
    /// The speaker.
    #[arg(long, value_name = "IP:PORT")]
    pub connect: SocketAddr,
    /// Session I dials the speaker's address plus I times this (IPv4).
    #[arg(long, default_value_t = 0)]
    pub connect_step: u32,
    /// How many sessions.
    #[arg(long, default_value_t = 1)]
    pub sessions: usize,
    /// The most sessions that wait for the speaker's OPEN at a time: some speakers let no more than five connections queue,
    /// and the kernel then has the others wait for seconds.
    #[arg(long, default_value_t = 4)]
    pub at_once: usize,
    /// Session I comes from this address plus I.
    #[arg(long, default_value = "127.0.1.1")]
    pub local_base: Ipv4Addr,
    /// Session I's AS is this plus I times --as-step.
    #[arg(long, default_value_t = 65001)]
    pub local_as: u32,
    #[arg(long, default_value_t = 0)]
    pub as_step: u32,
    /// A session is done at this many announced prefixes.
    #[arg(long, value_name = "PREFIXES")]
    pub expect: Option<u64>,
    /// A session is done at End-of-RIB of all its families (with --expect: at both).
    #[arg(long)]
    pub eor: bool,
    /// Families to ask for.
    #[arg(long, value_delimiter = ',', default_value = "ipv4")]
    pub families: Vec<Family>,
    /// Offer RFC 8654 messages.
    #[arg(long)]
    pub extended_messages: bool,
    /// The hold time offered; keepalives go out every third of it.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(3..))]
    pub hold: u16,
    /// Seconds until it is given up.
    #[arg(long, default_value_t = 180.0)]
    pub timeout: f64,
    /// Seconds to stay after every session is done, printing bursts of later UPDATEs.
    #[arg(long, default_value_t = 0.0)]
    pub watch: f64,
    /// Seconds of silence that end a burst.
    #[arg(long, default_value_t = 0.5)]
    pub quiet_gap: f64,
    /// Sum up prefixes and communities, to compare with make-table's digest. Costs a few nanoseconds a prefix.
    #[arg(long)]
    pub digest: bool,
    /// Leave out the lines of single sessions.
    #[arg(long)]
    pub summary: bool,
    /// Threads to share the sessions.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, |n| n.get()))]
    pub threads: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub enum Family {
    Ipv4,
    Ipv6,
}

impl Args {
    pub fn speaker_address(&self, session: usize) -> SocketAddr {
        match self.connect.ip() {
            IpAddr::V4(ip) => {
                let ip = Ipv4Addr::from(u32::from(ip) + self.connect_step * session as u32);
                SocketAddr::from((ip, self.connect.port()))
            }
            IpAddr::V6(_) => self.connect,
        }
    }

    pub fn local_address(&self, session: usize) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.local_base) + session as u32)
    }

    pub fn open(&self, session: usize) -> Vec<u8> {
        Open {
            asn: self.local_as + self.as_step * session as u32,
            hold_time: self.hold,
            identifier: self.local_address(session).octets(),
            families: self.families.iter().map(|family| *family as u16 + 1).collect(),
            extended_messages: self.extended_messages,
        }
        .encode()
    }

    pub fn digest(&self) -> Digest {
        if self.digest { Digest::Sum } else { Digest::Skip }
    }
}
