//! When what there is of registrations is written.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_log_is_written_less_often_than_keys_and_never_lost_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let kept = || KeptState::read(dir.path()).unwrap();
    let office = Office::with(&config(), kept());
    office.announced(&[A1, A2], P);
    office.verified(P).await;
    let has_key = || kept().registrations.registered_prefixes.iter().any(|p| p.key.is_some()).then_some(());
    until("the key", has_key).await;
    assert_eq!(kept().events, [], "a key is not held up by them");
    until("the log", || (kept().events == plain(&office)).then_some(())).await;
    office.post(A1, P, None);
    office.failed(P, "Prefix not received from IP: 10.0.1.0").await;
    assert_ne!(kept().events, plain(&office));
    office.0.end().await;
    assert_eq!(kept().events, plain(&office));
    assert!(!kept().registrations.registered_prefixes[0].verdict.is_good());
}

/// The log as it is read.
fn plain(office: &Office) -> Vec<crate::peering::Event> {
    office.0.desk.events().list().iter().map(|event| (**event).clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_changes_all_the_time_is_not_written_all_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let on_disk = || {
        let kept = KeptState::read(dir.path()).unwrap().registrations.registered_prefixes;
        kept.iter().map(|kept| (kept.prefix, kept.verdict.is_good())).collect::<HashMap<_, _>>()
    };
    let office = Office::with(&config(), KeptState::read(dir.path()).unwrap());
    let listed = until("what is listed", || Some(on_disk()).filter(|kept| !kept.is_empty())).await;
    assert_eq!(listed.get(&net(P)), Some(&false));
    office.announced(&[A1, A2], P);
    let begun = tokio::time::Instant::now();
    until("the key's writing", || (on_disk().get(&net(P)) == Some(&true)).then_some(())).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "a key is written at once");

    // Each time it has another origin.
    let read = || std::fs::read(dir.path().join("registered.json")).unwrap();
    let (mut writings, mut before) = (0, read());
    for n in 0..300 {
        office.post(A1, P, sighting(8000 + n, &[]));
        sleep(Duration::from_millis(100)).await;
        let is = read();
        writings += usize::from(is != before);
        before = is;
    }
    assert!((1..=3).contains(&writings), "{writings} within 30 s");

    // What a config lists is registered whatever comes, and so is written.
    let begun = tokio::time::Instant::now();
    office.put(plan(&config().replace("[8.23.254.0/24,", "[8.31.0.0/24, 8.23.254.0/24,")));
    until("what is listed now", || on_disk().contains_key(&net("8.31.0.0/24")).then_some(())).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    office.0.end().await;
}
