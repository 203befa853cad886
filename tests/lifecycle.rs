//! `peeringd run` and what it keeps of connections: reloads, restarts, `type-change` and `check`.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;
    use std::time::Duration;

    use serde_json::Value;

    use super::support::daemon::Daemon;
    use super::support::process::output;
    use super::support::rib::Rib;
    use super::support::wait::until;

    const LIMIT: Duration = Duration::from_secs(15);

    fn peerings(first: &str) -> String {
        let connection = |n: u8, state: &str| {
            format!(
                "      - name: c{n}
        connection_state: {state}
        bandwidth_in_mbps: 10000
        bgp_session:
          microsoft_session_ipv4_address: 127.0.0.1
          peer_session_ipv4_address: 127.0.9.{n}
          passive: true
"
            )
        };
        let connections = connection(1, first) + &connection(2, "active");
        format!("  - name: contoso\n    peer_asn: 65001\n    connections:\n{connections}")
    }

    /// One connection of `show connections`, once it is as wanted.
    fn connection(daemon: &Daemon, name: &str, is: impl Fn(&Value) -> bool) -> Value {
        until(name, LIMIT, || {
            let all = daemon.show(&["connections"])?;
            let found = all.as_array().unwrap().iter().find(|connection| connection["name"] == name).cloned();
            found.filter(|connection| is(connection)).ok_or_else(|| all.to_string())
        })
    }

    fn refused(daemon: &Daemon) -> String {
        until("a reload to be refused", LIMIT, || {
            let generation = daemon.show(&["generation"])?;
            generation["lastReloadError"].as_str().map(str::to_owned).ok_or_else(|| generation.to_string())
        })
    }

    #[test]
    fn f26_neither_a_reload_nor_a_restart_takes_a_step_that_there_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (mut daemon, _) = Daemon::start_on_loopback(folder, &peerings("validating"), &Rib::shipped());
        connection(&daemon, "c1", |c| c["connectionState"] == "Validating");
        daemon.reload_changed(|config| config.replace("validating", "approved"));
        let said = refused(&daemon);
        let place = format!("{}:11:27: ", folder.join("peeringd.yaml").display());
        assert!(said.starts_with(&place), "{said}");
        assert!(
            said.contains("c1 is Validating, and no connection goes from Validating to Approved"),
            "{said}"
        );
        connection(&daemon, "c1", |c| c["connectionState"] == "Validating");
        daemon.reload_changed(|config| config.replace("approved", "active"));
        connection(&daemon, "c1", |c| {
            c["connectionState"] == "Active" && c["sessions"][0]["sessionState"] != "Established"
        });

        // While it is down too.
        daemon.process().signal("TERM");
        assert!(daemon.process().wait_for_exit(LIMIT).0.success());
        let file = folder.join("peeringd.yaml");
        let text = fs::read_to_string(&file).unwrap();
        // By another name it is the same: its peer is known.
        fs::write(&file, text.replacen("active", "validating", 1).replace("name: c1", "name: c9")).unwrap();
        let check =
            || output(Command::new(env!("CARGO_BIN_EXE_peeringd")).arg("check").arg("--config").arg(&file));
        let said = check().unwrap_err();
        let what = "a session of c1 is one of c9 now, and the state of the first is Active, not Validating";
        assert!(said.contains(what) && said.contains("state/connections.json"), "{said}");
        fs::write(&file, text.replace("name: c1", "name: c9")).unwrap();
        check().unwrap();
        fs::write(&file, text.replacen("active", "validating", 1)).unwrap();
        let said = check().unwrap_err();
        assert!(said.contains("c1 is Active, and no connection goes from Active to Validating"), "{said}");
        assert!(said.contains("state/connections.json"), "{said}");
        daemon.start_again();
        assert!(!daemon.process().wait_for_exit(LIMIT).0.success());
        // What cannot be read is not taken for empty.
        fs::write(&file, text).unwrap();
        check().unwrap();
        let kept = folder.join("state/connections.json");
        let text = fs::read_to_string(&kept).unwrap();
        fs::write(&kept, text.replace("Active", "Aktive")).unwrap();
        assert!(check().unwrap_err().contains("connections.json:"), "{text}");
        daemon.start_again();
        assert!(!daemon.process().wait_for_exit(LIMIT).0.success());
        fs::remove_file(&kept).unwrap();
        daemon.start_again();
        connection(&daemon, "c1", |c| c["connectionState"] == "Active");
    }

    /// `check`, the start and a reload refuse what is new; what was registered once stays over all of them.
    #[test]
    fn f44_nothing_is_registered_before_a_connection_is_active() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let unlisted = peerings("validating").replace("active", "approved");
        let unlisted = unlisted.replace("    peer_asn:", "    peering_service: true\n    peer_asn:");
        let listed = "    registered_prefixes: [8.23.254.0/24]\n";
        let list =
            |config: &str| config.replacen("    connections:", &format!("{listed}    connections:"), 1);
        let (mut daemon, _) = Daemon::start_on_loopback(folder, &unlisted, &Rib::shipped());
        let file = folder.join("peeringd.yaml");
        let what = "registered_prefixes of contoso: 8.23.254.0/24 cannot be registered before a connection of the \
                    peering is Active (c1 is Validating, c2 is Approved)";
        let check =
            || output(Command::new(env!("CARGO_BIN_EXE_peeringd")).arg("check").arg("--config").arg(&file));
        connection(&daemon, "c1", |c| c["connectionState"] == "Validating");
        daemon.reload_changed(|config| list(&config));
        let said = refused(&daemon);
        assert!(said.contains(what) && said.starts_with(&file.display().to_string()), "{said}");
        assert!(check().unwrap_err().contains(what));
        daemon.process().signal("TERM");
        assert!(daemon.process().wait_for_exit(LIMIT).0.success());
        daemon.start_again();
        assert!(!daemon.process().wait_for_exit(LIMIT).0.success());

        // In the reload that makes one active it may be.
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace(listed, "")).unwrap();
        daemon.start_again();
        connection(&daemon, "c1", |c| c["connectionState"] == "Validating");
        daemon.reload_changed(|config| list(&config).replace("validating", "active"));
        until("the registration", LIMIT, || {
            let all = daemon.show(&["registered"])?;
            if all[0]["properties"]["prefixValidationState"] == "Failed" {
                Ok(())
            } else {
                Err(all.to_string())
            }
        });
        let text = fs::read_to_string(&file).unwrap();
        daemon.process().signal("TERM");
        assert!(daemon.process().wait_for_exit(LIMIT).0.success());
        // All that was active has gone; what is registered has not.
        let connection = text.find("      - name: c1").unwrap()..text.find("      - name: c2").unwrap();
        fs::write(&file, text.replace(&text[connection], "")).unwrap();
        check().unwrap();
    }

    #[test]
    fn f29_a_change_of_type_is_ordered_by_command_queued_and_goes_on_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (mut daemon, _) = Daemon::start_on_loopback(folder, &peerings("active"), &Rib::shipped());
        connection(&daemon, "c1", |c| c["typeChange"].is_null());
        let said = daemon.order(&["type-change", "c1", "voice"]).unwrap_err();
        assert!(said.contains("give --yes to change it") && said.contains("exit status: 2"), "{said}");
        let said = daemon.order(&["type-change", "c1", "voice", "--yes"]).unwrap();
        assert_eq!(said, "c1 changes its type: it is drained, and its sessions restart\n");
        let said = daemon.order(&["type-change", "c2", "cdn"]).unwrap_err();
        assert!(
            said.contains("c1 of the same peering is of type Voice or is to be, and a peering has one"),
            "{said}"
        );
        let said = daemon.order(&["type-change", "c2", "voice", "--yes"]).unwrap();
        assert_eq!(said, "c2 changes its type after one other connection\n");
        for (name, to, why) in [
            ("c1", "cdn", "the type of c1 is changing already"),
            ("c3", "edge", "no connection is called c3"),
            ("c1", "vice", "vice is no type"),
        ] {
            let said = daemon.order(&["type-change", name, to]).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
        // Nobody is there to come back.
        let is_stuck = |c: &Value| {
            (&c["connectionState"], &c["typeChange"]["phase"])
                == (&"TypeChangeInProgress".into(), &"Restarting".into())
        };
        let waits = |c: &Value| {
            (&c["connectionState"], &c["typeChange"]["phase"]) == (&"Active".into(), &"Queued".into())
        };
        connection(&daemon, "c1", is_stuck);
        connection(&daemon, "c2", waits);
        daemon.process().signal("TERM");
        assert!(daemon.process().wait_for_exit(LIMIT).0.success());
        daemon.start_again();
        let c1 = connection(&daemon, "c1", is_stuck);
        assert_eq!((&c1["directPeeringType"], &c1["flapCounts"]), (&"Voice".into(), &0.into()));
        connection(&daemon, "c2", waits);
        // Nothing else of the peering changes meanwhile; giving up does.
        daemon.reload_changed(|config| config.replace("10000", "20000"));
        let said = refused(&daemon);
        assert!(said.contains("contoso is changed while the type of one of its connections is"), "{said}");
        daemon.reload_changed(|config| {
            config.replace("20000", "10000").replacen("active", "provisioning_failed", 1)
        });
        connection(&daemon, "c1", |c| {
            c["connectionState"] == "ProvisioningFailed" && c["typeChange"].is_null()
        });
        // One is down already: the other is not drained too.
        connection(&daemon, "c2", |c| c["connectionState"] == "Active" && c["typeChange"].is_null());
    }
}
