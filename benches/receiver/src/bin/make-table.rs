//! Writes a table in the forms that the benchmarks start from: `table.txt`, `after.txt` with one prefix in a hundred
//! changed, `changed.txt` with those alone, and `messages.bin`, the densest packing. Prints one JSON line about them.

use std::fs::File;
use std::io::BufWriter;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use bench_receiver::{packing, table};
use clap::Parser;

/// Makes a deterministic IPv4 table with the Internet's mix of prefix lengths.
#[derive(Parser)]
struct Args {
    /// How many prefixes.
    prefixes: usize,
    /// In how many attribute sets: set G has the community 8075:G.
    sets: u16,
    /// The folder to write to; made when missing.
    folder: PathBuf,
    /// The next hop in the ready-made messages.
    #[arg(long, default_value = "127.0.0.1")]
    next_hop: Ipv4Addr,
}

fn main() -> std::io::Result<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.folder)?;
    let rows = table::generate(args.prefixes, args.sets);
    let (after, changed) = table::change_one_percent(&rows, args.sets);
    for (name, rows) in [("table.txt", &rows), ("after.txt", &after), ("changed.txt", &changed)] {
        table::write(rows, &mut BufWriter::new(File::create(args.folder.join(name))?))?;
    }
    let packed = packing::pack(&rows, args.next_hop);
    std::fs::write(args.folder.join("messages.bin"), &packed.bytes)?;
    println!(
        r#"{{"prefixes":{},"sets":{},"changed":{},"messages":{},"bytes":{},"digest":"{:016x}","changed_digest":"{:016x}"}}"#,
        rows.len(),
        args.sets,
        changed.len(),
        packed.messages,
        packed.bytes.len(),
        table::digest(&rows),
        table::digest(&changed),
    );
    Ok(())
}
