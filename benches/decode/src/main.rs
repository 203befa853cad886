//! Decodes a million-prefix table's UPDATEs with peeringd and with four other libraries: the same messages, the same
//! work. Every prefix and every attribute is visited and goes into a sum, which must come out as the table says.
//! peeringd makes all checks of RFC 7606 as well.
//!
//! The libraries take turns, so that a noisy moment meets all alike; the figure is the median of a library's turns.

mod libraries;
mod tally;

use std::hint::black_box;
use std::time::{Duration, Instant};

use bench_receiver::{packing, table};
use clap::Parser;

use crate::libraries::LIBRARIES;
use crate::tally::Tally;

/// Times the decoding of a whole table's UPDATEs by peeringd, bgpkit-parser, netgauze-bgp-pkt, zettabgp and routecore.
#[derive(Parser)]
struct Args {
    /// How many prefixes.
    #[arg(long, default_value_t = 1_000_000)]
    prefixes: usize,
    /// In how many attribute sets.
    #[arg(long, default_value_t = 500)]
    sets: u16,
    /// How many turns each library has.
    #[arg(long, default_value_t = 15)]
    turns: usize,
}

fn main() {
    let args = Args::parse();
    let rows = table::generate(args.prefixes, args.sets);
    let packed = packing::pack(&rows, tally::NEXT_HOP);
    let messages = packed.messages - 1;
    // End-of-RIB has nothing to visit, and not all of them take it for what it is.
    let stream = &packed.bytes[..packed.bytes.len() - 23];
    let expected = Tally::of(&rows, stream);

    let mut times = vec![Vec::with_capacity(args.turns); LIBRARIES.len()];
    for turn in 0..=args.turns {
        for (library, times) in LIBRARIES.iter().zip(&mut times) {
            let begin = Instant::now();
            let tally = (library.decode)(black_box(stream));
            let time = begin.elapsed();
            assert_eq!(tally, expected, "{} visited something else", library.name);
            // The first turn warms up.
            if turn > 0 {
                times.push(time);
            }
        }
    }

    println!(
        "{} prefixes in {} attribute sets: {messages} UPDATEs, {} octets; medians of {} turns\n",
        args.prefixes,
        args.sets,
        stream.len(),
        args.turns
    );
    let medians: Vec<Duration> = times.into_iter().map(median).collect();
    println!("| library | time | a prefix | against peeringd |");
    println!("|---|---:|---:|---:|");
    for (library, time) in LIBRARIES.iter().zip(&medians) {
        println!(
            "| {} | {:.2} ms | {:.2} ns | {:.2} × |",
            library.name,
            time.as_secs_f64() * 1e3,
            time.as_secs_f64() * 1e9 / args.prefixes as f64,
            time.as_secs_f64() / medians[0].as_secs_f64(),
        );
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
