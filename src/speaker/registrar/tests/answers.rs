//! What a plan registers anew, while sessions have not told all by it.

use super::*;

/// A customer's prefix that no partner registered.
const LOOKED_FOR: &str = "8.30.0.0/24";

/// With that prefix, registered or not.
fn with(registered: bool) -> String {
    let text = CONFIG.replace("SERVICE", LOOKED_FOR);
    if registered { text.replace("[8.23.254.0/24,", &format!("[{LOOKED_FOR}, 8.23.254.0/24,")) } else { text }
}

/// It is seen, and is not registered: what the sessions say by the first plan.
fn unregistered(office: &Office) {
    for peer in [A1, A2] {
        office.post(peer, LOOKED_FOR, sighting(7018, &[Reason::NotRegistered { covered_by: None }]));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_registered_anew_is_not_judged_by_what_was_seen_before() {
    let office = Office::open(&with(false));
    unregistered(&office);
    let nobody = "Peering service provider not found";
    office.service_says(LOOKED_FOR, nobody, LearnedType::None).await;
    let new = plan(&with(true));
    office.0.put(new.clone());
    office.is(LOOKED_FOR, PrefixValidationState::Pending, None).await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(office.registered(LOOKED_FOR).unwrap().verdict, Verdict::PENDING);
    office.announced(&[A1, A2], LOOKED_FOR);
    new.sessions.iter().for_each(|session| office.answer(session.peer_address));
    office.verified(LOOKED_FOR).await;
    let told = office.0.desk.events().list();
    let said: Vec<&str> = told.iter().map(|event| &*event.event_summary).collect();
    assert!(!said.iter().any(|said| said.contains("registered prefix 8.30.0.0/24 is Failed")), "{said:#?}");

    // One that is nowhere is missing as soon as all have said so, but for the time that one has to come up.
    let other = with(true).replace("[8.30.0.0/24,", "[8.30.0.0/24, 8.31.0.0/24,");
    let asked = tokio::time::Instant::now();
    office.put(plan(&other));
    office.failed("8.31.0.0/24", "Prefix not received from IP: 10.0.1.0, 10.0.2.0").await;
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_answer_is_not_waited_for_for_ever() {
    let office = Office::open(&with(false));
    unregistered(&office);
    office.service_says(LOOKED_FOR, "Peering service provider not found", LearnedType::None).await;
    let asked = tokio::time::Instant::now();
    office.0.put(plan(&with(true)));
    office.post(A1, LOOKED_FOR, sighting(7018, &[]));
    for peer in [A1, C1, O1] {
        office.answer(peer.parse().unwrap());
    }
    let not_registered = Reason::NotRegistered { covered_by: None }.to_string();
    office.failed(LOOKED_FOR, &not_registered).await;
    let waited = asked.elapsed();
    assert!(waited > Duration::from_secs(4) && waited < Duration::from_secs(6), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_goes_is_not_waited_for() {
    let office = Office::open(&with(false));
    unregistered(&office);
    office.service_says(LOOKED_FOR, "Peering service provider not found", LearnedType::None).await;
    let asked = tokio::time::Instant::now();
    office.0.put(plan(&with(true)));
    office.leave(A2);
    for peer in [A1, C1, O1] {
        office.post(peer, LOOKED_FOR, sighting(7018, &[]));
        office.answer(peer.parse().unwrap());
    }
    office.failed(LOOKED_FOR, "Prefix not received from IP: 10.0.2.0").await;
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}
