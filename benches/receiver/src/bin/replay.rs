//! The floor of every transfer: after the OPENs it writes ready-made bytes to each peer. No speaker can be faster over
//! the same sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_receiver::table::SPEAKER_AS;
use bench_receiver::wire::{Frame, KEEPALIVE, NOTIFICATION, OPEN, Open, frame, message};
use clap::Parser;

/// Sends a file of ready-made BGP messages to every peer that dials.
#[derive(Parser)]
struct Args {
    /// Where to listen.
    listen: SocketAddr,
    /// Whole UPDATEs, as make-table writes them.
    messages: PathBuf,
}

const HOLD_TIME: u16 = 90;
const BETWEEN_KEEPALIVES: Duration = Duration::from_secs(HOLD_TIME as u64 / 3);

fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let messages: Arc<[u8]> = std::fs::read(args.messages)?.into();
    let domain = socket2::Domain::for_address(args.listen);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&args.listen.into())?;
    socket.listen(4096)?;
    for peer in TcpListener::from(socket).incoming() {
        let (peer, messages) = (peer?, messages.clone());
        std::thread::Builder::new().stack_size(128 << 10).spawn(move || {
            if let Err(error) = serve(peer, &messages) {
                // A receiver that has what it wanted just closes.
                if error.kind() != ErrorKind::ConnectionReset && error.kind() != ErrorKind::UnexpectedEof {
                    eprintln!("replay: {error}");
                }
            }
        })?;
    }
    Ok(())
}

fn serve(mut peer: TcpStream, messages: &[u8]) -> std::io::Result<()> {
    peer.set_nodelay(true)?;
    let open = Open {
        asn: u32::from(SPEAKER_AS),
        hold_time: HOLD_TIME,
        identifier: [10, 75, 0, 1],
        families: vec![1],
        extended_messages: false,
    };
    peer.write_all(&open.encode())?;
    await_message(&mut peer, OPEN)?;
    peer.write_all(&message(KEEPALIVE, &[]))?;
    await_message(&mut peer, KEEPALIVE)?;
    peer.write_all(messages)?;
    peer.set_read_timeout(Some(BETWEEN_KEEPALIVES))?;
    let (mut alive, mut sink) = (Instant::now(), [0; 4096]);
    loop {
        match peer.read(&mut sink) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
        if alive.elapsed() + Duration::from_secs(1) > BETWEEN_KEEPALIVES {
            peer.write_all(&message(KEEPALIVE, &[]))?;
            alive = Instant::now();
        }
    }
}

/// Reads one message, which must be of this type.
fn await_message(peer: &mut TcpStream, wanted: u8) -> std::io::Result<()> {
    let mut bytes = vec![0; 19];
    peer.read_exact(&mut bytes)?;
    let length = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    bytes.resize(length.max(19), 0);
    peer.read_exact(&mut bytes[19..])?;
    match frame(&bytes) {
        Frame::Whole(kind, _, _) if kind == wanted => Ok(()),
        Frame::Whole(NOTIFICATION, body, _) => Err(std::io::Error::other(format!("NOTIFICATION {body:?}"))),
        other => Err(std::io::Error::other(format!("{other:?} in place of message type {wanted}"))),
    }
}
