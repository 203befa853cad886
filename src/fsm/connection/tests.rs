use expect_test::expect;

use super::super::fixture::{at, open_from, ours};
use super::*;

fn agreed() -> Box<Negotiated> {
    Box::new(negotiate(&ours(), Direction::Inbound, open_from(4)).unwrap())
}

/// A connection in each of the states, all since the second 1.
fn everywhere() -> Vec<(&'static str, Connection)> {
    let mut rng = Rng::with_seed(1);
    let t = at(1000);
    let id = ConnId(1);
    let mut confirmed = Connection::accepted(id, t, Duration::ZERO);
    confirmed.confirm(t, agreed(), &mut rng);
    let mut contested = Connection::accepted(id, t, Duration::ZERO);
    contested.contest(t, agreed());
    let mut established = confirmed.clone();
    established.handle(t, Stimulus::Message(Incoming::Keepalive), &ours(), &mut rng);
    let mut over = established.clone();
    over.handle(t, Stimulus::TcpClosed, &ours(), &mut rng);
    vec![
        ("Connect", Connection::dialled(id, t)),
        ("Delayed", Connection::accepted(id, t, Duration::from_secs(10))),
        ("OpenSent", Connection::accepted(id, t, Duration::ZERO)),
        ("Contested", contested),
        ("OpenConfirm", confirmed),
        ("Established", established),
        ("Over", over),
    ]
}

fn everything() -> Vec<(&'static str, Stimulus)> {
    let notification = Notification::new(ErrorCode::ADMIN_RESET);
    vec![
        ("TcpUp", Stimulus::TcpUp),
        ("TcpFailed", Stimulus::TcpFailed),
        ("TcpClosed", Stimulus::TcpClosed),
        ("good OPEN", Stimulus::Message(Incoming::Open(open_from(4)))),
        ("bad OPEN", Stimulus::Message(Incoming::Open(open_from(4).with_hold_time(1)))),
        ("KEEPALIVE", Stimulus::Message(Incoming::Keepalive)),
        ("UPDATE", Stimulus::Message(Incoming::Update)),
        ("ROUTE-REFRESH", Stimulus::Message(Incoming::RouteRefresh)),
        ("NOTIFICATION", Stimulus::Message(Incoming::Notification(notification.clone()))),
        ("malformed", Stimulus::Message(Incoming::Malformed(Notification::new(ErrorCode::BAD_MESSAGE_TYPE)))),
        ("HoldDue", Stimulus::HoldDue),
        ("KeepaliveDue", Stimulus::KeepaliveDue),
        ("SendHoldDue", Stimulus::SendHoldDue),
        ("Stop", Stimulus::Stop(Some(notification))),
        ("Restart", Stimulus::Stop(None)),
        ("CollisionLost", Stimulus::CollisionLost),
        ("Superseded", Stimulus::Superseded),
        ("WayClear", Stimulus::WayClear),
    ]
}

impl Open {
    fn with_hold_time(self, hold_time: u16) -> Self {
        Self { hold_time, ..self }
    }
}

fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Connect => "Connect",
        Phase::Delayed => "Delayed",
        Phase::OpenSent => "OpenSent",
        Phase::Contested(_) => "Contested",
        Phase::OpenConfirm(_) => "OpenConfirm",
        Phase::Established(_) => "Established",
        Phase::Over => "Over",
    }
}

fn step_name(step: &Step) -> String {
    match step {
        Step::Stay => "-".to_owned(),
        Step::Send(Outgoing::Open(_)) => "send OPEN".to_owned(),
        Step::Send(Outgoing::Keepalive) => "send KEEPALIVE".to_owned(),
        Step::Send(Outgoing::Notification(_)) => panic!("a NOTIFICATION comes with an end"),
        Step::Agreed(_) => "agreed".to_owned(),
        Step::AgreedEarly(_) => "send OPEN, agreed".to_owned(),
        Step::Up(_) => "up".to_owned(),
        Step::Claim(_) => "claim".to_owned(),
        Step::End(ending, since) => {
            let was = if since.is_some() { "down" } else { "failed" };
            let how = match ending {
                Ending::Send(answer) => format!("send {} {:?}", answer.code, answer.data),
                Ending::Received(received) => format!("received {}", received.code),
                Ending::Closed | Ending::Dropped | Ending::Restart | Ending::GivenUp => format!("{ending:?}"),
            };
            format!("{was}: {how}")
        }
    }
}

#[test]
fn every_state_times_every_event() {
    let mut table = String::new();
    for (state, connection) in everywhere() {
        for (event, stimulus) in everything() {
            let mut connection = connection.clone();
            let step = connection.handle(at(2000), stimulus, &ours(), &mut Rng::with_seed(2));
            let (to, step) = (phase_name(connection.phase()), step_name(&step));
            table.push_str(&format!("{state:11} {event:13} {to:11} {step}\n"));
        }
    }
    expect![[r#"
        Connect     TcpUp         OpenSent    send OPEN
        Connect     TcpFailed     Over        failed: Closed
        Connect     TcpClosed     Over        failed: Closed
        Connect     good OPEN     Over        failed: Dropped
        Connect     bad OPEN      Over        failed: Dropped
        Connect     KEEPALIVE     Over        failed: Dropped
        Connect     UPDATE        Over        failed: Dropped
        Connect     ROUTE-REFRESH Over        failed: Dropped
        Connect     NOTIFICATION  Over        failed: Dropped
        Connect     malformed     Over        failed: Dropped
        Connect     HoldDue       Over        failed: Dropped
        Connect     KeepaliveDue  Connect     -
        Connect     SendHoldDue   Connect     -
        Connect     Stop          Over        failed: GivenUp
        Connect     Restart       Over        failed: GivenUp
        Connect     CollisionLost Over        failed: GivenUp
        Connect     Superseded    Over        failed: Dropped
        Connect     WayClear      Connect     -
        Delayed     TcpUp         Delayed     -
        Delayed     TcpFailed     Over        failed: Closed
        Delayed     TcpClosed     Over        failed: Closed
        Delayed     good OPEN     OpenSent    send OPEN, agreed
        Delayed     bad OPEN      Over        failed: send 2/6 Unacceptable Hold Time []
        Delayed     KEEPALIVE     Over        failed: Dropped
        Delayed     UPDATE        Over        failed: Dropped
        Delayed     ROUTE-REFRESH Over        failed: Dropped
        Delayed     NOTIFICATION  Over        failed: received 6/4 Administrative Reset
        Delayed     malformed     Over        failed: send 1/3 Bad Message Type []
        Delayed     HoldDue       OpenSent    send OPEN
        Delayed     KeepaliveDue  Delayed     -
        Delayed     SendHoldDue   Delayed     -
        Delayed     Stop          Over        failed: send 6/4 Administrative Reset []
        Delayed     Restart       Over        failed: Restart
        Delayed     CollisionLost Over        failed: send 6/7 Connection Collision Resolution []
        Delayed     Superseded    Over        failed: Dropped
        Delayed     WayClear      Delayed     -
        OpenSent    TcpUp         OpenSent    -
        OpenSent    TcpFailed     Over        failed: Closed
        OpenSent    TcpClosed     Over        failed: Closed
        OpenSent    good OPEN     OpenSent    agreed
        OpenSent    bad OPEN      Over        failed: send 2/6 Unacceptable Hold Time []
        OpenSent    KEEPALIVE     Over        failed: send 5/1 Unexpected Message in OpenSent State [4]
        OpenSent    UPDATE        Over        failed: send 5/1 Unexpected Message in OpenSent State [2]
        OpenSent    ROUTE-REFRESH Over        failed: send 5/1 Unexpected Message in OpenSent State [5]
        OpenSent    NOTIFICATION  Over        failed: received 6/4 Administrative Reset
        OpenSent    malformed     Over        failed: send 1/3 Bad Message Type []
        OpenSent    HoldDue       Over        failed: send 4/0 Hold Timer Expired []
        OpenSent    KeepaliveDue  OpenSent    -
        OpenSent    SendHoldDue   OpenSent    -
        OpenSent    Stop          Over        failed: send 6/4 Administrative Reset []
        OpenSent    Restart       Over        failed: Restart
        OpenSent    CollisionLost Over        failed: send 6/7 Connection Collision Resolution []
        OpenSent    Superseded    Over        failed: Dropped
        OpenSent    WayClear      OpenSent    -
        Contested   TcpUp         Contested   -
        Contested   TcpFailed     Over        failed: Closed
        Contested   TcpClosed     Over        failed: Closed
        Contested   good OPEN     Over        failed: send 5/2 Unexpected Message in OpenConfirm State [1]
        Contested   bad OPEN      Over        failed: send 5/2 Unexpected Message in OpenConfirm State [1]
        Contested   KEEPALIVE     Established claim
        Contested   UPDATE        Over        failed: send 5/2 Unexpected Message in OpenConfirm State [2]
        Contested   ROUTE-REFRESH Over        failed: send 5/2 Unexpected Message in OpenConfirm State [5]
        Contested   NOTIFICATION  Over        failed: received 6/4 Administrative Reset
        Contested   malformed     Over        failed: send 1/3 Bad Message Type []
        Contested   HoldDue       Over        failed: send 6/7 Connection Collision Resolution []
        Contested   KeepaliveDue  Contested   -
        Contested   SendHoldDue   Contested   -
        Contested   Stop          Over        failed: send 6/4 Administrative Reset []
        Contested   Restart       Over        failed: Restart
        Contested   CollisionLost Over        failed: send 6/7 Connection Collision Resolution []
        Contested   Superseded    Over        failed: Dropped
        Contested   WayClear      OpenConfirm send KEEPALIVE
        OpenConfirm TcpUp         OpenConfirm -
        OpenConfirm TcpFailed     Over        failed: Closed
        OpenConfirm TcpClosed     Over        failed: Closed
        OpenConfirm good OPEN     Over        failed: send 5/2 Unexpected Message in OpenConfirm State [1]
        OpenConfirm bad OPEN      Over        failed: send 5/2 Unexpected Message in OpenConfirm State [1]
        OpenConfirm KEEPALIVE     Established up
        OpenConfirm UPDATE        Over        failed: send 5/2 Unexpected Message in OpenConfirm State [2]
        OpenConfirm ROUTE-REFRESH Over        failed: send 5/2 Unexpected Message in OpenConfirm State [5]
        OpenConfirm NOTIFICATION  Over        failed: received 6/4 Administrative Reset
        OpenConfirm malformed     Over        failed: send 1/3 Bad Message Type []
        OpenConfirm HoldDue       Over        failed: send 4/0 Hold Timer Expired []
        OpenConfirm KeepaliveDue  OpenConfirm send KEEPALIVE
        OpenConfirm SendHoldDue   Over        failed: send 8/0 Send Hold Timer Expired []
        OpenConfirm Stop          Over        failed: send 6/4 Administrative Reset []
        OpenConfirm Restart       Over        failed: Restart
        OpenConfirm CollisionLost Over        failed: send 6/7 Connection Collision Resolution []
        OpenConfirm Superseded    Over        failed: Dropped
        OpenConfirm WayClear      OpenConfirm -
        Established TcpUp         Established -
        Established TcpFailed     Over        down: Closed
        Established TcpClosed     Over        down: Closed
        Established good OPEN     Over        down: send 5/3 Unexpected Message in Established State [1]
        Established bad OPEN      Over        down: send 5/3 Unexpected Message in Established State [1]
        Established KEEPALIVE     Established -
        Established UPDATE        Established -
        Established ROUTE-REFRESH Established -
        Established NOTIFICATION  Over        down: received 6/4 Administrative Reset
        Established malformed     Over        down: send 1/3 Bad Message Type []
        Established HoldDue       Over        down: send 4/0 Hold Timer Expired []
        Established KeepaliveDue  Established send KEEPALIVE
        Established SendHoldDue   Over        down: send 8/0 Send Hold Timer Expired []
        Established Stop          Over        down: send 6/4 Administrative Reset []
        Established Restart       Over        down: Restart
        Established CollisionLost Over        down: send 6/7 Connection Collision Resolution []
        Established Superseded    Over        down: Dropped
        Established WayClear      Established -
        Over        TcpUp         Over        -
        Over        TcpFailed     Over        -
        Over        TcpClosed     Over        -
        Over        good OPEN     Over        -
        Over        bad OPEN      Over        -
        Over        KEEPALIVE     Over        -
        Over        UPDATE        Over        -
        Over        ROUTE-REFRESH Over        -
        Over        NOTIFICATION  Over        -
        Over        malformed     Over        -
        Over        HoldDue       Over        -
        Over        KeepaliveDue  Over        -
        Over        SendHoldDue   Over        -
        Over        Stop          Over        -
        Over        Restart       Over        -
        Over        CollisionLost Over        -
        Over        Superseded    Over        -
        Over        WayClear      Over        -
    "#]]
    .assert_eq(&table);
}

#[test]
fn what_ends_is_over_and_what_goes_on_can_end() {
    for (_, connection) in everywhere() {
        for (event, stimulus) in everything() {
            let mut connection = connection.clone();
            let step = connection.handle(at(2000), stimulus, &ours(), &mut Rng::with_seed(2));
            if matches!(step, Step::End(..)) {
                assert_eq!(connection.state(), State::Idle, "{event}");
            } else if connection.state() != State::Idle {
                assert!(connection.timers().deadline().is_some(), "{event}: nothing would ever end it");
            }
        }
    }
}

#[test]
fn each_message_of_an_established_peer_restarts_the_hold_timer() {
    let (_, established) = everywhere().swap_remove(5);
    for message in [Incoming::Keepalive, Incoming::Update, Incoming::RouteRefresh] {
        let mut connection = established.clone();
        let mut rng = Rng::with_seed(2);
        connection.handle(at(80_000), Stimulus::Message(message.clone()), &ours(), &mut rng);
        connection.handle(at(80_000), Stimulus::KeepaliveDue, &ours(), &mut rng);
        assert_eq!(connection.due(at(91_000)), None, "{message:?}: the old limit is passed");
        assert_eq!(connection.due(at(170_000)), Some(Stimulus::HoldDue), "{message:?}");
    }
    assert_eq!(established.due(at(91_000)), Some(Stimulus::HoldDue));
}

#[test]
fn with_hold_time_0_an_established_connection_has_no_timer() {
    let open = open_from(4).with_hold_time(0);
    let agreed = Box::new(negotiate(&ours(), Direction::Inbound, open).unwrap());
    let mut rng = Rng::with_seed(2);
    let mut connection = Connection::accepted(ConnId(1), at(0), Duration::ZERO);
    connection.confirm(at(0), agreed, &mut rng);
    assert_eq!(connection.timers().deadline(), Some(at(240_000)), "the first KEEPALIVE is awaited");
    let step = connection.handle(at(10), Stimulus::Message(Incoming::Keepalive), &ours(), &mut rng);
    assert!(matches!(step, Step::Up(_)));
    assert_eq!(connection.timers().deadline(), None);
}
