//! What whoever looks is told of a session that is down, and what the log calls it.

use std::io::Write;
use std::sync::Mutex;

use super::*;
use crate::accept::LimitExceeded;
use crate::speaker::{LimitPassed, ResetDone, ResetOrder};
use crate::wire::Role;

/// Our side, which dials a peer at this port.
fn dialling(port: u16, protocol: ProtocolPlan) -> Side {
    let ours = SessionPlan { peer_port: port, protocol, ..session(US, THEM, THEIRS, false) };
    Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11"])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_of_a_refusal_stays_to_be_seen_behind_what_comes_of_it() {
    let listener = tokio::net::TcpListener::bind((THEM, 0)).await.unwrap();
    let protocol = ProtocolPlan { local_role: Some(Role::Peer), ..ProtocolPlan::default() };
    let us = dialling(listener.local_addr().unwrap().port(), protocol);
    let own = [Capability::Multiprotocol(1, 1), Capability::FourOctetAs(THEIRS), Capability::Role(3)];
    let open = Open { my_as: THEIRS.as_u16(), hold_time: 90, bgp_id: THEM, capabilities: own.to_vec() };
    let mut peer = Raw(listener.accept().await.unwrap().0);
    peer.send(&open.encode().unwrap()).await;
    assert_eq!(peer.rest().await.last().unwrap().1[..2], [2, 11]);
    // The peer holds off now, and says so; then it is gone.
    let mut peer = Raw(listener.accept().await.unwrap().0);
    peer.send(&Notification::new(ErrorCode::CONNECTION_REJECTED).encode()).await;
    peer.rest().await;
    let error = |s: &SessionSnapshot| s.last_error.clone().map(|e| (e.text, e.then)).unwrap_or_default();
    let mismatch = "sent 2/11 Role Mismatch".to_owned();
    let rejected = "received 6/5 Connection Rejected".to_owned();
    us.session("both", |s| error(s) == (mismatch.clone(), Some(rejected.clone()))).await;
    drop(listener);
    let refused = |s: &SessionSnapshot| error(s).1.is_some_and(|then| then.starts_with("connect: "));
    let seen = us.session("gone", refused).await;
    let last = seen.last_error.as_ref().unwrap();
    assert_eq!(
        (last.text.as_str(), last.code, last.sent),
        (&*mismatch, Some(ErrorCode::ROLE_MISMATCH), true)
    );
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_without_a_reason_does_not_hide_one_for_ever() {
    let error =
        |code, at| crate::speaker::LastError { code, sent: false, text: String::new(), at, then: None };
    let reason = error(Some(ErrorCode::BAD_PEER_AS), 1000);
    for (code, at, comes_of_it) in [
        (None, 1300, true),
        (None, 1301, false),
        (Some(ErrorCode::CONNECTION_REJECTED), 1000, true),
        (Some(ErrorCode::COLLISION), 1000, true),
        (Some(ErrorCode::ADMIN_SHUTDOWN), 1000, false),
    ] {
        assert_eq!(error(code, at).comes_of(&reason), comes_of_it, "{code:?} at {at}");
    }
    assert!(!error(None, 1000).comes_of(&error(None, 1000)), "of two without a reason the newer counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_held_down_says_by_which_limit_and_until_when() {
    let (us, them) = pair(ConnectionState::Active, 1);
    let down = them.session("held down", |s| s.limit_passed.is_some()).await;
    let LimitPassed { exceeded, until } = down.limit_passed.unwrap();
    assert_eq!(exceeded, LimitExceeded::Session { family: Family::Ipv4, limit: 1 });
    let left = until.unwrap().checked_sub(crate::speaker::clock::Clock::unix()).unwrap();
    assert!((50..=60).contains(&left), "{left}");
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_says_whether_there_was_anything_to_end() {
    let us = Side::start(plan(OURS, US, vec![session(US, THEM, THEIRS, true)]), &["13.64.0.0/11"]);
    let reset = async || us.handle().reset("link-v4", ResetOrder::default()).await.unwrap();
    let peer = Raw::dial(THEM, us.at).await;
    us.session("an attempt", |s| s.state == State::OpenSent).await;
    assert_eq!(reset().await, ResetDone { has_ended: false, is_told: true });
    assert_eq!(peer.rest().await.last().unwrap(), &(3, vec![6, 4]));
    assert_eq!(reset().await, ResetDone { has_ended: false, is_told: false });
    us.stop().await;
}

/// The clock leaps to whatever is due next, so that the 20 s of a dial take no time.
#[tokio::test(start_paused = true)]
async fn a_dial_without_an_answer_is_said_to_be_one() {
    // It takes no SYN that is signed.
    let listener = tokio::net::TcpListener::bind((THEM, 0)).await.unwrap();
    let peer_port = listener.local_addr().unwrap().port();
    let transport = TransportPlan { md5_key: crate::config::Md5Key::new(b"key"), ..TransportPlan::default() };
    let ours = SessionPlan { peer_port, transport, ..session(US, THEM, THEIRS, false) };
    let us = Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11"]);
    let mut said = None;
    for _ in 0..60 {
        sleep(Duration::from_secs(1)).await;
        said = us.handle().sessions()[0].last_error.clone().map(|error| error.text);
        if said.is_some() {
            break;
        }
    }
    assert_eq!(said.as_deref(), Some("connect: no answer, as where the two MD5 keys differ"));
    us.stop().await;
}

/// A log that a test reads.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_renamed_session_is_logged_by_its_new_name() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    // The test's runtime has one thread, so this is the log of all its tasks.
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut us = Side::start(plan(OURS, US, vec![session(US, THEM, THEIRS, true)]), &["13.64.0.0/11"]);
    us.handle().reset("link-v4", ResetOrder::default()).await.unwrap();
    let named = SessionPlan { name: "other-v4".into(), ..session(US, THEM, THEIRS, true) };
    us.reload(Plan { sessions: vec![Arc::new(named)], ..Plan::clone(&us.plan) }, &["13.64.0.0/11"]).await;
    us.session("renamed", |s| &*s.plan.name == "other-v4").await;
    us.handle().reset("other-v4", ResetOrder::default()).await.unwrap();
    let text = log.text();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("reset by hand")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains("session{name=link-v4 peer=127.0.7.1}"), "{text}");
    assert!(
        lines[1].contains("session{name=other-v4 peer=127.0.7.1}") && !lines[1].contains("link-v4"),
        "{text}"
    );
    us.stop().await;
}
