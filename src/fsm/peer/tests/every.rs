//! Every situation × every event.

use super::super::super::Event;
use super::collision::{both_open_sent, contested};
use super::*;

fn situations() -> Vec<(&'static str, Bench, Vec<ConnId>)> {
    let mut list = Vec::new();
    let mut stopped = Bench::new();
    stopped.fsm.handle_stop(stopped.now, Some(cease(ErrorCode::ADMIN_SHUTDOWN)));
    list.push(("stopped", stopped, vec![]));
    list.push(("active", Bench::new(), vec![]));
    let mut held = Bench::new();
    let conn = held.accept();
    held.close(conn);
    list.push(("idle hold", held, vec![]));
    let mut connect = Bench::new();
    let (dial, _) = connect.dial();
    list.push(("connect", connect, vec![dial]));
    let (bench, outbound, inbound) = both_delayed(20);
    list.push(("both delayed", bench, vec![outbound, inbound]));
    let (bench, outbound, inbound) = both_open_sent();
    list.push(("both open sent", bench.clone(), vec![outbound, inbound]));
    let mut confirm = bench.clone();
    confirm.open(outbound, LOWER);
    list.push(("open confirm and open sent", confirm.clone(), vec![outbound, inbound]));
    confirm.keepalive(outbound);
    list.push(("established and open sent", confirm, vec![outbound, inbound]));
    let (bench, outbound, inbound) = contested();
    list.push(("contested", bench, vec![outbound, inbound]));
    for (_, bench, _) in &mut list {
        bench.drain();
    }
    list
}

fn messages() -> Vec<Incoming> {
    vec![
        Incoming::Open(open_from(LOWER)),
        Incoming::Open(open_from(HIGHER)),
        Incoming::Open(Open { my_as: 1, ..open_from(LOWER) }),
        Incoming::Keepalive,
        Incoming::Update,
        Incoming::RouteRefresh,
        Incoming::Notification(cease(ErrorCode::COLLISION)),
        Incoming::Malformed(cease(ErrorCode::BAD_MESSAGE_LENGTH)),
    ]
}

fn events_of(conn: ConnId) -> Vec<Event> {
    let mut events =
        vec![Event::Connected(conn), Event::ConnectFailed(conn), Event::Closed(conn), Event::SendHold(conn)];
    events.extend(messages().into_iter().map(|message| Event::Message(conn, message)));
    events
}

#[test]
fn in_no_situation_does_news_of_an_unknown_or_closed_connection_matter() {
    for (name, mut bench, live) in situations() {
        let stale = (0..40).map(ConnId).filter(|conn| !live.contains(conn));
        for event in stale.flat_map(events_of) {
            let before = format!("{:?}", bench.fsm);
            assert_eq!(bench.fsm.handle(bench.now, event.clone()), None);
            assert_eq!(format!("{:?}", bench.fsm), before, "{name}: {event:?}");
        }
    }
}

/// What holds after any event, in any situation.
fn check_sound(before: &Bench, after: &mut Bench, context: &str) {
    let actions = after.drain();
    let mut open: Vec<ConnId> = before.fsm.connections.iter().map(Connection::id).collect();
    let mut up = before.fsm.established();
    for action in &actions {
        match action {
            Action::Dial(conn) => open.push(*conn),
            Action::Send(conn, Outgoing::Open(_)) if !open.contains(conn) => open.push(*conn),
            Action::Send(conn, _) => assert!(open.contains(conn), "{context}: {actions:?}"),
            Action::Close(conn) => {
                assert!(open.contains(conn), "{context}: {actions:?}");
                open.retain(|one| one != conn);
            }
            Action::Up(conn, _) => assert_eq!(up.replace(*conn), None, "{context}: {actions:?}"),
            Action::Down(conn, _) => assert_eq!(up.take(), Some(*conn), "{context}: {actions:?}"),
            Action::AttemptFailed(conn, _) => assert_ne!(up, Some(*conn), "{context}: {actions:?}"),
        }
    }
    assert_eq!(up, after.fsm.established(), "{context}: {actions:?}");
    assert!(after.fsm.connections.len() <= 2, "{context}");
    after.fsm.handle_timeout(after.now);
    after.drain();
    let again = format!("{:?}", after.fsm);
    after.fsm.handle_timeout(after.now);
    assert_eq!(format!("{:?}", after.fsm), again, "{context}: a second timeout at once does nothing");
    assert!(after.fsm.poll_deadline().is_none_or(|next| next > after.now), "{context}: nothing stays due");
}

#[test]
fn every_situation_times_every_event_is_sound() {
    for (name, bench, live) in situations() {
        let mut events = vec![
            Event::Start,
            Event::Stop(None),
            Event::Stop(Some(cease(ErrorCode::ADMIN_SHUTDOWN))),
            Event::Reset(cease(ErrorCode::ADMIN_RESET)),
            Event::Config(Box::new(ours()), cease(ErrorCode::CONFIG_CHANGE)),
            Event::Timing(Timing { delay_open: Duration::from_secs(5), ..ours().timing }),
            Event::Accepted,
            Event::Timeout,
        ];
        events.extend(live.into_iter().flat_map(events_of));
        for late in [0, 10_000, 3_600_000] {
            for event in &events {
                let mut after = bench.clone();
                after.wait(late);
                drop(after.fsm.handle(after.now, event.clone()));
                check_sound(&bench, &mut after, &format!("{name}, {late} ms: {event:?}"));
            }
        }
    }
}
