//! Peering Service prefixes, by the keys of what is registered.

use super::*;

#[tokio::test]
async fn f49_a_peering_service_prefix_comes_into_use_by_the_registered_prefixs_key() {
    let office = Office::open(&config());
    office.announced(&[A1, A2], P);
    let key = office.verified(P).await;
    let with = |key: &str| {
        let service =
            format!("{{name: hq, prefix: {P}, peering_service_prefix_key: {key}, backup_location: Chicago}}");
        plan(&CONFIG.replace("SERVICE", &service))
    };
    office.put(with("00000000-0000-4000-8000-000000000000"));
    office.service_says(P, "Peering service provider not found", LearnedType::None).await;
    office.put(with(&key));
    let nowhere = LearnedType::ViaServiceProvider;
    office.service_says(P, "Not receiving prefix advertisement from IP for prefix: 10.0.3.0", nowhere).await;
    office.announced(&[C1], P);
    office.service_says(P, "Verified", LearnedType::ViaServiceProvider).await;
    let status = office.service(P).unwrap();
    assert_eq!((&*status.name, status.key.as_ref()), ("hq", Some(&key)));
    office.post(C1, P, sighting(7018, &[Reason::PathTooLong(4)]));
    let long = "AS path length for prefix should be <=3 for prefix";
    office.service_says(P, long, LearnedType::ViaServiceProvider).await;
    assert!(office.registered(P).unwrap().verdict.is_good(), "it is registered at Ashburn");
}

#[tokio::test]
async fn f49_a_registered_asns_key_is_good_for_every_prefix_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let kept = || KeptState::read(dir.path()).unwrap();
    let office = Office::with(&config(), kept());
    let key =
        until("a key", || office.0.desk.registry().peering("ashburn")?.registered_asns[0].key.clone()).await;
    office.0.end().await;
    let service = format!("{{prefix: 8.25.0.0/24, peering_service_prefix_key: {key}}}");
    let text = CONFIG.replace("SERVICE", &service);
    let office = Office::with(&text, kept());
    office.announced(&[A1, A2], "8.25.0.0/24");
    office.service_says("8.25.0.0/24", "Verified", LearnedType::ViaSession).await;
    office.post(A1, "8.25.0.0/24", sighting(1, &[]));
    office.service_says("8.25.0.0/24", "Peering service prefix is invalid", LearnedType::ViaSession).await;
}

#[tokio::test]
async fn f50_the_locations_sessions_are_counted() {
    let office = Office::open(&config());
    office.announced(&[A1, A2, C1], P);
    let key = office.verified(P).await;
    let at = |primary: &str, backup: &str| {
        let service = format!(
            "{{prefix: {P}, peering_service_prefix_key: {key}, primary_location: {primary}, backup_location: {backup}}}"
        );
        plan(&CONFIG.replace("SERVICE", &service))
    };
    office.put(at("Chicago", "Ashburn"));
    let few = "Provider has fewer than two sessions in its primary location";
    office.service_says(P, few, LearnedType::None).await;
    office.put(at("Ashburn", "Dallas"));
    office.service_says(P, "Provider has no sessions in its backup location", LearnedType::None).await;
}
