//! Fifty real sessions, and one out of a range, while strangers, peers that are none, and everybody in the range flood the
//! daemon with connections and malformed OPENs.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::support::daemon::{Daemon, Dials, Setup};
use crate::support::lab::Lab;
use crate::support::process::{Process, installed, output};
use crate::support::rib::Rib;
use crate::support::wait::{equal, until};

/// Real sessions, each with an address of its own at either end.
const SESSIONS: u8 = 50;
/// Peers that are configured, and from whose addresses nothing but the flood comes.
const ROUGH: u8 = 10;
/// The range, of which all but one address are the flood's.
const RANGE: &str = "127.0.32.0/20";
/// Sessions of the range at a time.
const PEER_LIMIT: usize = 20;
/// Who has a real session out of it.
const RANGED: Ipv4Addr = Ipv4Addr::new(127, 0, 32, 1);
/// Threads of the flood.
const THREADS: usize = 7;
/// Real ones, with that of the range.
const ALL: usize = 51;
/// Where peeringd listens.
const PORT: u16 = 1790;
/// Short, so that a daemon that is kept from its sessions loses them while the flood lasts.
const HOLD_TIME: u16 = 6;
/// How long the flood lasts, seconds, unless `PEERINGD_FLOOD_SECS` says otherwise.
const FLOOD_SECS: u64 = 8;
/// The most that the daemon may grow by, KiB.
const MEMORY: u64 = 32 * 1024;
/// All up, from nothing.
const UP: Duration = Duration::from_secs(40);
const SETUP: Setup = Setup { hold_time: HOLD_TIME, ..Setup::dialled_by(Dials::Router) };

fn ours(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 7, n)
}

fn real(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 8, n)
}

fn rough(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 9, n)
}

/// peeringd's config in place of that for the lab's cables: loopback sessions only.
fn config(usual: &str) -> String {
    let (head, _) = usual.split_once("peerings:\n").unwrap();
    // BIRD has port 179 of the same namespace.
    let head = head.replacen(" }\n", &format!(", listen: [\"0.0.0.0:{PORT}\"] }}\n"), 1);
    let mut text =
        format!("{head}lab: true\npeerings:\n  - name: contoso\n    peer_asn: 3356\n    connections:\n");
    let real = (1..=SESSIONS).map(|n| (format!("real-{n}"), ours(n), real(n)));
    let rough = (1..=ROUGH).map(|n| (format!("rough-{n}"), ours(1), rough(n)));
    for (name, local, peer) in real.chain(rough) {
        write!(
            text,
            "      - name: {name}
        bgp_session:
          microsoft_session_ipv4_address: {local}
          peer_session_ipv4_address: {peer}
          next_hop_v4: 192.0.2.1
          passive: true
          hold_time: {HOLD_TIME}
"
        )
        .unwrap();
    }
    write!(
        text,
        "      - name: ranged
        bgp_session:
          microsoft_session_ipv4_address: {}
          peer_range_v4: {RANGE}
          peer_limit: {PEER_LIMIT}
          next_hop_v4: 192.0.2.1
          hold_time: {HOLD_TIME}
",
        ours(SESSIONS + 1)
    )
    .unwrap();
    text
}

/// A BIRD in peeringd's own namespace, with all the real sessions.
fn start_bird(lab: &Lab) -> (Process, std::path::PathBuf) {
    let folder = lab.folder("bird");
    let mut text = "log stderr all;\nrouter id 10.0.0.1;\nprotocol device { }\n".to_owned();
    let real = (1..=SESSIONS).map(|n| (real(n), ours(n)));
    for (n, (local, neighbor)) in real.chain([(RANGED, ours(SESSIONS + 1))]).enumerate() {
        write!(
            text,
            "protocol bgp real{n} {{
    local {local} as 3356;
    neighbor {neighbor} port {PORT} as 8075;
    multihop;
    hold time {HOLD_TIME};
    connect delay time 1;
    connect retry time 1;
    error wait time 1, 2;
    ipv4 {{ import all; export none; }};
}}
"
        )
        .unwrap();
    }
    let file = folder.join("bird.conf");
    fs::write(&file, text).unwrap();
    let control = folder.join("bird.ctl");
    let mut command = lab.ours.command(&installed(&["/usr/sbin/bird"], "bird2"));
    command.arg("-f").arg("-c").arg(file).arg("-s").arg(&control);
    (Process::spawn("bird", command, &folder.join("log")), control)
}

/// Names of BIRD's protocols that are up, with the routes of the shipped RIB.
fn up_at_bird(control: &std::path::Path) -> Result<usize, String> {
    let text =
        output(Command::new("/usr/sbin/birdc").arg("-s").arg(control).args(["show", "protocols", "all"]))?;
    Ok(text.matches("354 imported").count())
}

fn sessions_of(daemon: &Daemon, start: &str) -> Result<Vec<Value>, String> {
    let sessions = daemon.show(&["sessions"])?;
    let is_one = |s: &&Value| s["name"].as_str().is_some_and(|name| name.starts_with(start));
    Ok(sessions.as_array().unwrap().iter().filter(is_one).cloned().collect())
}

/// The fifty, and the one of the range, none of which has ever ended.
fn all_up(daemon: &Daemon) -> Result<(), String> {
    let ranged = sessions_of(daemon, &format!("ranged-v4-{RANGED}"))?;
    let sessions = [sessions_of(daemon, "real-")?, ranged].concat();
    let up = sessions.iter().filter(|s| s["state"] == "Established" && s["flaps"] == 0).count();
    equal(&up, &ALL)
}

/// The folders of the flight recorder.
fn shelves(daemon: &Daemon) -> Vec<String> {
    let all = fs::read_dir(daemon.folder().join("state/flight")).unwrap();
    all.map(|shelf| shelf.unwrap().file_name().into_string().unwrap()).collect()
}

/// The daemon's memory, KiB.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// What is sent on connections of the flood: OPENs that are wrong in one way each, and what is none.
fn corpus() -> Vec<Vec<u8>> {
    let message = |kind: u8, body: &[u8]| {
        let len = u16::try_from(19 + body.len()).unwrap().to_be_bytes();
        [&[0xff; 16][..], &len, &[kind], body].concat()
    };
    let open = |body: &[u8]| message(1, body);
    let good: &[u8] = &[4, 0x0d, 0x1c, 0, 90, 10, 0, 0, 9, 0];
    let mut corpus = vec![
        Vec::new(),
        vec![0xff; 16],
        vec![0; 64],
        b"GET / HTTP/1.1\r\nHost: peeringd\r\n\r\n".to_vec(),
        open(&[]),
        open(&[3, 0x0d, 0x1c, 0, 90, 10, 0, 0, 9, 0]),
        open(&[4, 0, 0, 0, 90, 10, 0, 0, 9, 0]),
        open(&[4, 0x0d, 0x1c, 0, 1, 10, 0, 0, 9, 0]),
        open(&[4, 0x0d, 0x1c, 0, 90, 0, 0, 0, 0, 0]),
        open(&[4, 0x0d, 0x1c, 0, 90, 10, 0, 0, 9, 255]),
        open(&[4, 0x0d, 0x1c, 0, 90, 10, 0, 0, 9, 4, 2, 2, 65, 255]),
        [open(good), message(4, &[]), message(2, &[255, 255, 0, 0])].concat(),
        [open(good), message(4, &[]), message(4, &[1])].concat(),
        [open(good), open(good)].concat(),
        message(2, &[0, 0, 0, 0]),
        message(9, &[1; 2000]),
        [&[0xff; 16][..], &[255, 255, 1], &[0; 70_000]].concat(),
    ];
    corpus.extend((1..good.len()).map(|len| open(&good[..len])));
    corpus
}

/// Connects from an address, sends and goes; whether it was let in at all.
fn hit(from: Ipv4Addr, to: SocketAddr, octets: &[u8], stays: bool) -> bool {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    if socket.bind(&SocketAddr::from((from, 0)).into()).is_err()
        || socket.connect_timeout(&to.into(), Duration::from_millis(500)).is_err()
    {
        return false;
    }
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_millis(if stays { 300 } else { 1 }))).unwrap();
    // Either fails where we were closed already, which is as good.
    drop(stream.write_all(octets));
    drop(stream.read(&mut [0; 4096]));
    true
}

struct Flood {
    over: Arc<AtomicBool>,
    hits: Arc<AtomicU64>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Flood {
    /// Two threads as strangers of many addresses, one from the real peers' own, two as the peers that are rough, and two as
    /// peers out of the range, of many addresses; the last of each two keeps its connections open for longer.
    fn start(lab: &Lab) -> Self {
        let netns = Arc::new(fs::File::open(format!("/run/netns/{}", lab.ours.name())).unwrap());
        let (over, hits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let one = |nth: usize| {
            let (netns, over, hits) = (netns.clone(), over.clone(), hits.clone());
            thread::spawn(move || {
                move_into_link_name_space(netns.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                let corpus = corpus();
                for n in (nth..).step_by(THREADS) {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    let last = u8::try_from(n % 250).unwrap() + 1;
                    let from = match nth {
                        0 | 1 => Ipv4Addr::new(127, 0, 20, last),
                        // Beside the real session of the same addresses, which must win.
                        2 => real(last % SESSIONS + 1),
                        3 | 4 => rough(last % ROUGH + 1),
                        _ => Ipv4Addr::new(127, 0, 33 + u8::try_from(n / 250 % 15).unwrap(), last),
                    };
                    let octets = &corpus[n % corpus.len()];
                    let to = match nth {
                        2 => ours(last % SESSIONS + 1),
                        5 | 6 => ours(SESSIONS + 1),
                        _ => ours(1),
                    };
                    if hit(from, (to, PORT).into(), octets, nth == 4 || nth == 6) {
                        hits.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        };
        let threads = (0..THREADS).map(one).collect();
        Self { over, hits, threads }
    }

    /// Ends it; how many connections it made.
    fn end(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        self.hits.load(Ordering::Relaxed)
    }
}

mod tests {
    use super::*;

    #[test]
    fn fifty_sessions_outlast_a_flood_of_connections_and_malformed_opens() {
        let lab = Lab::new(1);
        let mut daemon = Daemon::start_changed(&lab, SETUP, &Rib::shipped(), |usual, _| config(&usual));
        let (_bird, control) = start_bird(&lab);
        until("fifty sessions", UP, || {
            all_up(&daemon)?;
            equal(&up_at_bird(&control)?, &ALL)
        });
        let pid = daemon.process().pid();
        let before = resident(pid);
        let secs = std::env::var("PEERINGD_FLOOD_SECS").ok().and_then(|secs| secs.parse().ok());
        let (flood, began) = (Flood::start(&lab), Instant::now());
        let (mut most, mut most_of_range) = (before, 0);
        while began.elapsed() < Duration::from_secs(secs.unwrap_or(FLOOD_SECS)) {
            all_up(&daemon).unwrap();
            most = most.max(resident(pid));
            most_of_range = most_of_range.max(sessions_of(&daemon, "ranged-").unwrap().len());
            thread::sleep(Duration::from_millis(200));
        }
        let hits = flood.end();
        all_up(&daemon).unwrap();
        assert_eq!(up_at_bird(&control), Ok(ALL));
        assert!(most <= before + MEMORY, "{before} KiB before, {most} KiB at most");
        println!("{hits} connections; {before} KiB before, {most} KiB at most");
        assert!((2..=PEER_LIMIT).contains(&most_of_range), "{most_of_range} sessions of the range");
        until("the range to be empty but for one", UP, || {
            all_up(&daemon)?;
            equal(&sessions_of(&daemon, "ranged-")?.len(), &1)
        });
        let shelves = shelves(&daemon);
        assert!(shelves.iter().any(|shelf| shelf == "ranged-v4"), "{shelves:?}");
        assert!(!shelves.iter().any(|shelf| shelf.starts_with("ranged-v4-")), "{shelves:?}");
        // A flood that did not get in would show nothing.
        assert!(hits > 500, "{hits} connections in all");
        assert!(daemon.process().ended().is_none());
    }
}
