//! What the flight recorder of `peeringd run` leaves behind, as tshark reads it.
//!
//! Needs Debian's `tshark`; `tests/run` installs it.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::time::Duration;

    use super::support::daemon::Daemon;
    use super::support::process::run;
    use super::support::rib::Rib;
    use super::support::wait::until;

    const LIMIT: Duration = Duration::from_secs(15);

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let len = u16::try_from(19 + body.len()).unwrap().to_be_bytes();
        [&[0xFF; 16], &len[..], &[kind], body].concat()
    }

    /// AS65001 as 127.0.1.1, IPv4 unicast and four-octet AS numbers.
    fn open() -> Vec<u8> {
        let capabilities = [1, 4, 0, 1, 0, 1, 65, 4, 0, 0, 0xFD, 0xE9];
        let parameters = [&[14, 2, 12][..], &capabilities].concat();
        message(1, &[&[4, 0xFD, 0xE9, 0, 90, 127, 0, 1, 1][..], &parameters].concat())
    }

    /// 5.1.0.0/16 with this ORIGIN, from AS65001.
    fn update(origin: u8) -> Vec<u8> {
        let attributes =
            [&[0x40, 1, 1, origin][..], &[0x40, 2, 6, 2, 1, 0, 0, 0xFD, 0xE9], &[0x40, 3, 4, 192, 0, 2, 1]]
                .concat();
        let len = u16::try_from(attributes.len()).unwrap().to_be_bytes();
        message(2, &[&[0, 0][..], &len, &attributes, &[16, 5, 1]].concat())
    }

    const PEERINGS: &str = "  - name: raw
    peer_asn: 65001
    connections:
      - name: raw
        bgp_session:
          microsoft_session_ipv4_address: 127.0.0.1
          peer_session_ipv4_address: 127.0.1.1
          passive: true
";

    /// From 127.0.1.1, once somebody listens.
    fn dial(to: SocketAddr) -> TcpStream {
        until("peeringd to listen", LIMIT, || {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.bind(&SocketAddr::from(([127, 0, 1, 1], 0)).into()).unwrap();
            socket.connect(&to.into()).map_err(|error| error.to_string())?;
            Ok(socket.into())
        })
    }

    /// The capture of this kind, and the text beside it, once they are there.
    fn capture(folder: &Path, what: &str) -> (PathBuf, String) {
        let shelf = folder.join("state/flight/raw-v4");
        until(&format!("a capture of {what}"), LIMIT, || {
            let all = fs::read_dir(&shelf).map_err(|error| error.to_string())?;
            let names: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
            let ending = format!("{what}.pcapng");
            let found = names.iter().find(|path| path.to_str().unwrap().ends_with(&ending));
            let path = found.ok_or_else(|| format!("only {names:?}"))?.clone();
            let text = fs::read_to_string(path.with_extension("txt")).unwrap();
            // It is written in one go, behind the text.
            if fs::metadata(&path).unwrap().len() > 0 {
                Ok((path, text))
            } else {
                Err("still empty".to_owned())
            }
        })
    }

    /// These fields of each packet, as tshark has them.
    fn tshark(capture: &Path, fields: &[&str]) -> Vec<Vec<String>> {
        let mut command = Command::new("tshark");
        command.arg("-r").arg(capture).args(["-T", "fields", "-E", "separator=|"]);
        for field in fields {
            command.args(["-e", field]);
        }
        let text = run(&mut command);
        text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn an_incident_leaves_the_last_messages_as_wireshark_reads_them_and_the_reason_beside() {
        let folder = tempfile::tempdir().unwrap();
        let (_daemon, at) = Daemon::start_on_loopback(folder.path(), PEERINGS, &Rib::shipped());
        let mut peer = dial(at);
        let ours = peer.local_addr().unwrap().port().to_string();
        peer.write_all(&[open(), message(4, &[]), update(0), update(7)].concat()).unwrap();

        let (file, text) = capture(folder.path(), "treat-as-withdraw");
        assert!(text.contains("what      received an UPDATE with errors: treat-as-withdraw"), "{text}");
        assert!(text.contains("why       attribute 1: the value 7"), "{text}");
        let packets =
            tshark(&file, &["bgp.type", "exported_pdu.ipv4_src", "exported_pdu.src_port", "frame.comment"]);
        let of = |from: &str, packets: &[Vec<String>]| -> Vec<String> {
            packets.iter().filter(|p| p[1] == from).map(|p| p[0].clone()).collect()
        };
        assert_eq!(of("127.0.1.1", &packets), ["1", "4", "2", "2"], "{packets:?}");
        // Our KEEPALIVE may still have waited when the UPDATE came.
        assert_eq!(of("127.0.0.1", &packets).first().map(String::as_str), Some("1"), "{packets:?}");
        let at_fault = packets.iter().rfind(|packet| packet[1] == "127.0.1.1").unwrap();
        assert_eq!(at_fault[2], ours);
        assert_eq!(
            at_fault[3],
            "received an UPDATE with errors: treat-as-withdraw: attribute 1: the value 7"
        );
        let origins = tshark(&file, &["bgp.update.path_attribute.origin"]);
        assert!(origins.iter().any(|packet| packet[0] == "7"), "{origins:?}");

        // Captures of one session are a second apart.
        until("a second incident", LIMIT, || {
            let mut peer = dial(at);
            peer.write_all(b"GET / HTTP/1.1\r\nHost: peeringd\r\n\r\n").unwrap();
            let mut answer = Vec::new();
            // What comes before the end does not matter, nor whether that is a reset.
            drop(peer.read_to_end(&mut answer));
            let shelf = fs::read_dir(folder.path().join("state/flight/raw-v4")).unwrap();
            let names: Vec<String> = shelf.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            if names.iter().any(|name| name.contains("-sent-1-1.pcapng")) {
                Ok(())
            } else {
                Err(format!("{names:?}"))
            }
        });
        let (file, text) = capture(folder.path(), "sent-1-1");
        assert!(text.contains("what      sent NOTIFICATION 1/1 Connection Not Synchronized"), "{text}");
        assert!(text.contains("received no message, 34 octets"), "{text}");
        let packets = tshark(&file, &["bgp.notify.major_error", "frame.comment"]);
        let last = packets.last().unwrap();
        assert_eq!(last[0], "1");
        assert_eq!(last[1], "sent NOTIFICATION 1/1 Connection Not Synchronized");
    }
}
