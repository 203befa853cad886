//! Prefix keys: when they are shown, and what becomes of them when the config has their owner no more.

use super::*;

/// What is on disk of registered prefixes' keys.
fn on_disk(state: &Path) -> Vec<(IpNet, Option<Arc<str>>)> {
    let kept = KeptState::read(state).unwrap().registrations.registered_prefixes;
    kept.into_iter().map(|kept| (kept.prefix, kept.key)).collect()
}

#[tokio::test(start_paused = true)]
async fn f43_a_key_is_shown_when_it_is_on_disk_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let office = Office::with(&config(), KeptState::read(&state).unwrap());
    office.announced(&[A1, A2], P);
    assert_eq!(
        office.is(P, PrefixValidationState::Verified, None).await,
        None,
        "the verdict waits for no disk"
    );
    sleep(Duration::from_secs(60)).await;
    assert_eq!(office.registered(P).unwrap().key, None);
    let asn =
        |office: &Office| office.0.desk.registry().peering("ashburn").unwrap().registered_asns[0].clone();
    assert_eq!(
        (asn(&office).key.clone(), asn(&office).provisioning_state),
        (None, ProvisioningState::Succeeded)
    );
    std::fs::create_dir(&state).unwrap();
    let key = office.verified(P).await;
    assert!(on_disk(&state).contains(&(net(P), Some(key))));
    until("the ASN's key", || asn(&office).key.clone()).await;
}

#[tokio::test(start_paused = true)]
async fn f43_a_key_waits_for_no_log_of_events_that_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let office = Office::with(&config(), KeptState::read(dir.path()).unwrap());
    // A folder in its place: no file can be put there.
    std::fs::create_dir(dir.path().join("events.json")).unwrap();
    sleep(Duration::from_secs(30)).await;
    office.announced(&[A1, A2], P);
    let key = office.verified(P).await;
    let text = std::fs::read_to_string(dir.path().join("registered.json")).unwrap();
    assert!(text.contains(&*key), "{text}");
}

#[tokio::test]
async fn what_is_taken_out_of_the_config_by_mistake_comes_back_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let open = |text: &str| Office::with(text, KeptState::read(dir.path()).unwrap());
    let without = config().replace("8.23.254.0/24, ", "").replace("[7018]", "[]");
    let asn = |office: &Office| {
        let registry = office.0.desk.registry().peering("ashburn")?;
        registry.registered_asns.first()?.key.clone()
    };
    let office = open(&config());
    office.announced(&[A1, A2], P);
    let key = office.verified(P).await;
    let asn_key = until("the ASN's key", || asn(&office)).await;
    office.put(plan(&without));
    until("gone", || office.registered(P).is_none().then_some(())).await;
    // Sessions that were told of neither plan say nothing anew.
    office.put(plan(&config()));
    assert_eq!(
        (office.verified(P).await, until("the ASN", || asn(&office)).await),
        (key.clone(), asn_key.clone())
    );

    office.put(plan(&without));
    until("gone", || office.registered(P).is_none().then_some(())).await;
    office.0.end().await;
    let office = open(&without);
    until("the registry", || office.registered("8.24.16.0/23")).await;
    office.0.end().await;
    let office = open(&config());
    assert_eq!(office.is(P, PrefixValidationState::Pending, None).await, None, "it is not Verified yet");
    office.announced(&[A1, A2], P);
    assert_eq!(
        (office.verified(P).await, until("the ASN", || asn(&office)).await),
        (key.clone(), asn_key.clone())
    );
    office.0.end().await;

    // Taken out while nothing ran.
    open(&without).0.end().await;
    let office = open(&config());
    office.announced(&[A1, A2], P);
    assert_eq!((office.verified(P).await, until("the ASN", || asn(&office)).await), (key, asn_key));
}

#[tokio::test]
async fn a_key_is_good_for_nobody_while_its_prefix_is_out_of_the_config_nor_for_another_partner() {
    let dir = tempfile::tempdir().unwrap();
    let open = |text: &str| Office::with(text, KeptState::read(dir.path()).unwrap());
    let office = open(&config());
    office.announced(&[A1, A2], P);
    let key = office.verified(P).await;
    let service = format!("{{prefix: {P}, peering_service_prefix_key: {key}}}");
    office.put(plan(&CONFIG.replace("SERVICE", &service).replace("[8.23.254.0/24, ", "[")));
    office.service_says(P, "Peering service provider not found", LearnedType::None).await;
    office.put(plan(&CONFIG.replace("SERVICE", &service)));
    office.service_says(P, "Verified", LearnedType::ViaServiceProvider).await;

    let other = config().replacen("peer_asn: 3356", "peer_asn: 174", 1);
    office.put(plan(&other));
    let of_the_other = || {
        let status = office.registered(P).filter(|status| status.verdict.is_good())?;
        status.key.clone().filter(|its| *its != key)
    };
    until("a key of the other partner", of_the_other).await;
    office.0.end().await;
    let office = open(&config());
    office.announced(&[A1, A2], P);
    assert_eq!(office.verified(P).await, key, "as it was with the first partner");
}
