//! Connections: readers slow, silent and many, and how serving stops.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{oneshot, watch};

use super::super::router::MAX_LONG_READERS;
use super::super::{bind_socket, list, serve};
use super::*;

/// Serves one connection in memory, whose buffer holds `room` bytes.
fn serve_in_memory(
    router: Router,
    room: usize,
) -> (tokio::io::DuplexStream, watch::Sender<()>, tokio::task::JoinHandle<()>) {
    let (client, server) = tokio::io::duplex(room);
    let (stop, stopping) = watch::channel(());
    (client, stop, tokio::spawn(serve::connection(server, router, stopping)))
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_for_30_s_is_ended_and_its_place_is_free_again() {
    let router = Speaker::large(20 * list::PAGE).router();
    let mut open = Vec::new();
    for _ in 0..MAX_LONG_READERS {
        let (mut client, stop, task) = serve_in_memory(router.clone(), 1024);
        client.write_all(b"GET /api/v1/routes HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut begun = [0; 12];
        client.read_exact(&mut begun).await.unwrap();
        assert_eq!(&begun, b"HTTP/1.1 200");
        open.push((client, stop, task));
    }
    message(&router, "/api/v1/routes", StatusCode::SERVICE_UNAVAILABLE).await;
    let begun = tokio::time::Instant::now();
    for (mut client, _stop, task) in open {
        task.await.unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        assert!(!rest.ends_with(b"0\r\n\r\n"), "a list that was broken off must not look whole");
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(29) && took <= Duration::from_secs(61), "{took:?}");
    ok(&router, "/api/v1/routes").await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_that_takes_a_little_now_and_then_gets_it_all() {
    let router = Speaker::large(2 * list::PAGE).router();
    let (mut client, _stop, task) = serve_in_memory(router, 16 * 1024);
    client.write_all(b"GET /api/v1/routes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let (mut all, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        tokio::time::sleep(Duration::from_secs(20)).await;
        let n = client.read(&mut buffer).await.unwrap();
        if n == 0 {
            break;
        }
        all.extend_from_slice(&buffer[..n]);
    }
    assert!(all.ends_with(b"0\r\n\r\n"));
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn silence_before_and_between_requests_ends_a_connection() {
    let router = Speaker::new().router();
    for sent in ["", "GET / HTTP/1.1\r\nHost: x\r\n", "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let begun = tokio::time::Instant::now();
        let (mut client, _stop, task) = serve_in_memory(router.clone(), 4096);
        client.write_all(sent.as_bytes()).await.unwrap();
        task.await.unwrap();
        let took = begun.elapsed();
        assert!(took >= serve::HEADER_LIMIT && took < 2 * serve::HEADER_LIMIT, "{sent:?}: {took:?}");
    }
}

#[tokio::test]
async fn a_body_is_ignored_and_a_head_too_long_refused() {
    let router = Speaker::new().router();
    let (mut client, _stop, _task) = serve_in_memory(router.clone(), 4096);
    let request = "GET /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut begun = [0; 12];
    client.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");

    let (client, _stop, task) = serve_in_memory(router, 4096);
    let (mut reading, mut writing) = tokio::io::split(client);
    let long = tokio::spawn(async move {
        let head = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(200_000));
        drop(writing.write_all(head.as_bytes()).await);
    });
    let mut answer = Vec::new();
    reading.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    task.await.unwrap();
    drop(long);
}

/// Connects, says this and reads this much of an answer.
async fn say(address: SocketAddr, request: &str, answer: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut begun = vec![0; answer];
    stream.read_exact(&mut begun).await.unwrap();
    assert!(b"HTTP/1.1 200".starts_with(&begun), "{}", String::from_utf8_lossy(&begun));
    stream
}

#[tokio::test]
async fn whoever_is_silent_keeps_nobody_out() {
    const HEALTH: &str = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server =
        tokio::spawn(serve::serve_http(listener, Speaker::new().router(), async { drop(stopped.await) }));
    let mut kept = say(address, HEALTH, 12).await;
    let mut open = Vec::new();
    // Some say nothing, some a part of a request, and some a whole one.
    for n in 0..serve::MAX_CONNECTIONS + 50 {
        open.push(match n % 3 {
            0 => say(address, "", 0).await,
            1 => say(address, "GET /readyz HT", 0).await,
            _ => say(address, HEALTH, 12).await,
        });
        // A check among them has its answer each time, and so has one that keeps its connection.
        drop(say(address, HEALTH, 12).await);
        if n % 50 == 0 {
            kept.write_all(HEALTH.as_bytes()).await.unwrap();
            assert!(kept.read(&mut [0; 4096]).await.unwrap() > 0);
        }
    }
    // The first of those that were silent are closed.
    let mut rest = Vec::new();
    for stream in &mut open[..50] {
        drop(stream.read_to_end(&mut rest).await);
    }
    // And the latest are not.
    let mut last = open.pop().unwrap();
    last.write_all(HEALTH.as_bytes()).await.unwrap();
    assert!(last.read(&mut [0; 4096]).await.unwrap() > 0);
    stop.send(()).unwrap();
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_lets_the_answer_under_way_end() {
    let router = Speaker::large(3 * list::PAGE).router();
    let (mut client, stop, task) = serve_in_memory(router, 4096);
    client.write_all(b"GET /api/v1/routes HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut all = vec![0; 12];
    client.read_exact(&mut all).await.unwrap();
    drop(stop);
    client.read_to_end(&mut all).await.unwrap();
    assert!(all.ends_with(b"0\r\n\r\n"));
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_1_s_for_who_takes_nothing_and_the_socket_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    let listener: UnixListener = bind_socket(&path).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let router = Speaker::large(20 * list::PAGE).socket_router();
    let server = tokio::spawn(serve::serve_socket(listener, router, async { drop(stopped.await) }));
    let _idle = UnixStream::connect(&path).await.unwrap();
    let mut stuck = UnixStream::connect(&path).await.unwrap();
    stuck.write_all(b"GET /api/v1/routes HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut begun = vec![0; 12];
    stuck.read_exact(&mut begun).await.unwrap();
    let asked = tokio::time::Instant::now();
    stop.send(()).unwrap();
    server.await.unwrap();
    let took = asked.elapsed();
    assert!(took >= serve::STOP_LIMIT && took < 2 * serve::STOP_LIMIT, "{took:?}");
    assert!(!path.exists());
    stuck.read_to_end(&mut begun).await.unwrap();
    assert!(!begun.ends_with(b"0\r\n\r\n"), "a list that was broken off must not look whole");
}
