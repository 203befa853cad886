//! Long lists, and those that break off.

use super::*;

#[tokio::test]
async fn long_lists_come_whole() {
    let daemon = Daemon::of(Speaker::large(2500));
    for words in ["routes", "received contoso-ashburn-1", "advertised contoso-ashburn-1"] {
        let text = daemon.show(words, None).await.unwrap();
        assert_eq!(text.lines().count(), 2501, "{words}");
        assert!(text.lines().last().unwrap().starts_with("20.9.195.0/24 "), "{words}");
    }
}

/// Gives rows 0 to 9 behind `after`, but breaks off each answer after three of them, or at once where `barren`.
fn breaking(asked: Arc<AtomicUsize>, barren: bool) -> Router {
    let list = move |RawQuery(query): RawQuery| async move {
        asked.fetch_add(1, Ordering::Relaxed);
        let first = query.map_or(0, |q| {
            let after = q.strip_prefix("after=10.").unwrap().strip_suffix(".0.0%2F16").unwrap();
            after.parse::<u32>().unwrap() + 1
        });
        let upto = if barren { first } else { (first + 3).min(10) };
        let mut chunks: Vec<Result<Bytes, io::Error>> = vec![Ok("[\n".into())];
        for n in first..upto {
            let begun = if n == first { "" } else { ",\n" };
            chunks.push(Ok(format!("{begun}{{\"prefix\":\"10.{n}.0.0/16\"}}").into()));
        }
        match upto {
            10 => chunks.push(Ok("\n]\n".into())),
            _ => chunks
                .extend([Ok(if barren { "" } else { ",\n{\"pref" }.into()), Err(io::Error::other("gone"))]),
        }
        // A frame a turn, as from a daemon that has more to do.
        Body::from_stream(futures_util::stream::unfold(chunks.into_iter(), |mut chunks| async {
            tokio::task::yield_now().await;
            chunks.next().map(|chunk| (chunk, chunks))
        }))
    };
    Router::new().route("/api/v1/routes", get(list))
}

#[tokio::test]
async fn a_list_that_broke_off_is_taken_up_again_where_it_did() {
    let asked = Arc::new(AtomicUsize::new(0));
    let daemon = Daemon::serving(breaking(asked.clone(), false));
    let text = daemon.show("routes --json", None).await.unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let prefixes: Vec<&str> = rows.iter().map(|r| r["prefix"].as_str().unwrap()).collect();
    let expected: Vec<String> = (0..10).map(|n| format!("10.{n}.0.0/16")).collect();
    assert_eq!(prefixes, expected);
    assert!(asked.load(Ordering::Relaxed) >= 4);
}

#[tokio::test]
async fn a_list_that_gets_nowhere_is_given_up() {
    let asked = Arc::new(AtomicUsize::new(0));
    let daemon = Daemon::serving(breaking(asked.clone(), true));
    let error = daemon.error("routes").await;
    assert!(error.starts_with("the daemon's answer broke off: "), "{error}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_is_no_daemon_of_ours_is_an_error() {
    for (body, expected) in [
        ("hello\n", "cannot read"),
        ("[\n{\"prefix\":1}\n]\n", "cannot read"),
        ("[\n{\"prefix\":\"10.0.0.0/8\"}\n", "ended in the middle"),
        ("", "ended in the middle"),
    ] {
        let daemon = Daemon::serving(Router::new().route("/api/v1/routes", get(move || async move { body })));
        let error = daemon.error("routes").await;
        assert!(error.contains(expected), "{body:?}: {error}");
    }
    let daemon = Daemon::serving(Router::new());
    assert_eq!(daemon.error("sessions").await, "the daemon answered 404 Not Found");
}
