//! `peeringd why`: of a prefix, session by session, every check of what the peer announces and what becomes of ours.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;

use super::client::{Client, ClientError, SocketArgs, encoded};
use super::table::{folded, printable, terminal_width};

/// Rows fetched at once.
const WINDOW: usize = 100;
/// A line of text where there is no terminal to tell.
const WIDTH: usize = 100;

/// Arguments of `peeringd why`.
#[derive(Args, Clone, Debug)]
pub struct WhyArgs {
    /// A prefix; or an address, for the most specific prefix that covers it.
    prefix: String,
    /// On this session only: its name, its peer's address, or its connection's name where that has one session.
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// The daemon's JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: SocketArgs,
}

/// Runs `peeringd why`. Exit code 0, or 1 after a line on stderr; a reader that goes away early is no error.
#[must_use]
pub fn run(args: &WhyArgs) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let said = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ClientError::from)
        .and_then(|runtime| runtime.block_on(why(args, terminal_width().unwrap_or(WIDTH), &mut out)));
    let flushed = out.flush().map_err(ClientError::from);
    match said.and(flushed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(ClientError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Where stderr is gone too, the exit code says it alone.
            drop(writeln!(io::stderr(), "peeringd: {}", printable(&error.to_string())));
            ExitCode::FAILURE
        }
    }
}

async fn why(args: &WhyArgs, width: usize, out: &mut impl Write) -> Result<(), ClientError> {
    let mut path = format!("/api/v1/why?prefix={}", encoded(&args.prefix));
    if let Some(session) = &args.session {
        path.push_str(&format!("&session={}", encoded(session)));
    }
    let mut rows = Client::new(&args.socket.socket).rows(&path).await?;
    let (mut count, mut quiet) = (0_usize, 0_usize);
    loop {
        let window = rows.next(WINDOW).await?;
        if window.is_empty() {
            break;
        }
        for row in window {
            if args.json {
                out.write_all(if count > 0 { b",\n" } else { b"[\n" })?;
                out.write_all(&row)?;
            } else {
                let session: Session = serde_json::from_slice(&row)?;
                let text = Text { out, width };
                quiet = quiet.saturating_add(usize::from(!session.tell(text)?));
            }
            count = count.saturating_add(1);
        }
    }
    if args.json {
        return Ok(out.write_all(if count > 0 { b"\n]\n" } else { b"[]\n" })?);
    }
    if count == 0 {
        return Err(ClientError::NotThere(format!("no session carries the family of {}", args.prefix)));
    }
    if count == quiet {
        let sessions =
            if count == 1 { "one session goes".to_owned() } else { format!("{count} sessions go") };
        return Err(ClientError::NotThere(format!(
            "{} is neither announced to us, nor has to be, nor is it in the table, as far as {sessions}",
            args.prefix
        )));
    }
    if quiet > 0 {
        writeln!(out, "{quiet} of {count} sessions have nothing of it")?;
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    session: String,
    peer_address: String,
    peer_asn: u32,
    peering: String,
    inbound: Inbound,
    outbound: Option<Outbound>,
}

#[derive(Deserialize)]
struct Inbound {
    prefix: Option<String>,
    registered: bool,
    missing: Option<Failure>,
    paths: Vec<Path>,
}

#[derive(Deserialize)]
struct Failure {
    reason: String,
    detail: Option<String>,
    fix: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Path {
    path_id: u32,
    next_hop: String,
    as_path: String,
    origin_as_validation_state: String,
    rpki_validation_state: String,
    accepted: bool,
    stale: bool,
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    holds: String,
    passed: bool,
    note: Option<String>,
    reason: Option<String>,
    detail: Option<String>,
    fix: Option<String>,
}

#[derive(Deserialize)]
struct Outbound {
    prefix: String,
    advertised: bool,
    reason: Option<String>,
    route: Option<Told>,
    file: Option<String>,
    line: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    next_hop: Option<String>,
    as_path: Option<String>,
    since: Option<Since>,
    stale: bool,
}

#[derive(Deserialize)]
struct Since {
    time: String,
}

/// Lines no wider than the terminal; what is too long goes on below, indented as it began.
struct Text<'a, W> {
    out: &'a mut W,
    width: usize,
}

impl<W: Write> Text<'_, W> {
    fn line(&mut self, indent: usize, text: &str) -> io::Result<()> {
        for part in folded(text, self.width.saturating_sub(indent).max(20)) {
            writeln!(self.out, "{:indent$}{part}", "")?;
        }
        Ok(())
    }
}

impl Session {
    /// Whether there was something to tell.
    fn tell<W: Write>(&self, mut text: Text<'_, W>) -> io::Result<bool> {
        let Inbound { registered, missing, paths, prefix } = &self.inbound;
        let prefix = prefix.as_deref().unwrap_or_default();
        let peer = format!("{} ({} AS{})", self.session, self.peer_address, self.peer_asn);
        let is_theirs = missing.is_some() || !paths.is_empty();
        if is_theirs {
            let by = if *registered {
                format!("registered under {}", self.peering)
            } else {
                format!("not registered under {}", self.peering)
            };
            let fate = match (paths.is_empty(), paths.iter().any(|path| path.accepted)) {
                (true, _) => "not received",
                (false, true) => "accepted",
                (false, false) => "held and not accepted",
            };
            text.line(0, &format!("{prefix} from {peer}: {by}, {fate}"))?;
        }
        for path in paths {
            path.tell(&mut text)?;
        }
        if let Some(Failure { reason, detail, fix }) = missing {
            let detail = detail.as_ref().map(|detail| format!(" {detail}")).unwrap_or_default();
            text.line(2, &format!("FAIL  {reason}{detail}"))?;
            text.line(8, &format!("to do: {fix}"))?;
        }
        if let Some(outbound) = &self.outbound {
            outbound.tell(&peer, &mut text)?;
        }
        Ok(is_theirs || self.outbound.is_some())
    }
}

impl Path {
    fn tell<W: Write>(&self, text: &mut Text<'_, W>) -> io::Result<()> {
        let id = if self.path_id == 0 { String::new() } else { format!("path {}, ", self.path_id) };
        let stale = if self.stale { ", stale" } else { "" };
        let (irr, rpki) = (&self.origin_as_validation_state, &self.rpki_validation_state);
        let what = format!(
            "{id}AS path {}, next hop {}, origin: IRR {irr}, RPKI {rpki}{stale}",
            if self.as_path.is_empty() { "empty" } else { &self.as_path },
            self.next_hop
        );
        text.line(2, &what)?;
        for Check { holds, passed, note, reason, detail, fix } in &self.checks {
            if let Some(note) = note {
                text.line(2, &format!("note  {note}"))?;
                continue;
            }
            if *passed {
                text.line(2, &format!("ok    {holds}"))?;
                continue;
            }
            let detail = detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
            text.line(2, &format!("FAIL  {}{detail}", reason.as_deref().unwrap_or(holds)))?;
            if let Some(fix) = fix {
                text.line(8, &format!("to do: {fix}"))?;
            }
        }
        Ok(())
    }
}

impl Outbound {
    fn tell<W: Write>(&self, peer: &str, text: &mut Text<'_, W>) -> io::Result<()> {
        let place = match (&self.file, self.line) {
            (Some(file), Some(line)) => format!(", from {file}:{line}"),
            (_, _) => String::new(),
        };
        let fate = match (&self.route, &self.reason) {
            (Some(told), _) if self.advertised => told.in_words(),
            (_, Some(reason)) => format!("not advertised: {reason}"),
            (_, None) => "not advertised".to_owned(),
        };
        text.line(0, &format!("{} to {peer}: {fate}{place}", self.prefix))
    }
}

impl Told {
    fn in_words(&self) -> String {
        let since = self.since.as_ref().map(|since| format!(", as it is since {}", since.time));
        let path = self.as_path.as_ref().map(|path| format!(", AS path {path}"));
        let next_hop = self.next_hop.as_ref().map(|next_hop| format!(", next hop {next_hop}"));
        let stale = self.stale.then(|| ", and to be withdrawn or changed".to_owned());
        let parts = [path, next_hop, since, stale].into_iter().flatten();
        parts.fold("advertised".to_owned(), |words, part| words + &part)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use expect_test::{Expect, expect};

    use super::*;
    use crate::control::fixtures::Speaker;
    use crate::control::{bind_socket, serve_socket};

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        why: WhyArgs,
    }

    async fn said(words: &str) -> Result<String, ClientError> {
        let (speaker, dir) = (Speaker::new(), tempfile::tempdir().unwrap());
        let socket = dir.path().join("s");
        let listener = bind_socket(&socket).unwrap();
        tokio::spawn(serve_socket(listener, speaker.socket_router(), std::future::pending()));
        let words = ["why", "--socket", socket.to_str().unwrap()].into_iter().chain(words.split(' '));
        let mut out = Vec::new();
        why(&Cli::try_parse_from(words).unwrap().why, 80, &mut out).await?;
        Ok(String::from_utf8(out).unwrap())
    }

    async fn check(words: &str, expected: Expect) {
        let text = said(words).await.unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        expected.assert_eq(&text);
    }

    #[tokio::test]
    async fn f55_a_partners_prefix_is_explained_for_its_engineer() {
        check(
            "4.2.0.0/16 --session 4.68.74.181",
            expect![[r#"
            4.2.0.0/16 from contoso-ashburn-1-v4 (4.68.74.181 AS3356): registered under
            contoso-ashburn, held and not accepted
              AS path 3356 65001 {7,8}, next hop 4.68.74.181, origin: IRR Unknown, RPKI
              Unknown
              ok    the prefix is public address space, and no default route
              note  RPKI: Unknown, which the config lets in (rpki.unknown: show)
              FAIL  Advertisement missing MAPS community (8075:8007 is not among the
              communities)
                    to do: add 8075:8007 to the route in the export policy, and send
                    communities to this neighbour
        "#]],
        )
        .await;
        check(
            "4.9.0.0/16",
            expect![[r#"
                4.9.0.0/16 from contoso-ashburn-1-v4 (4.68.74.181 AS3356): registered under
                contoso-ashburn, not received
                  FAIL  Prefix not received from IP 4.68.74.181
                        to do: announce 4.9.0.0/16 on this session too, exactly as it is
                        registered
                4.9.0.0/16 from ix-london-1-v4 (5.57.80.2 AS3356): registered under
                contoso-ashburn, not received
                  FAIL  Prefix not received from IP 5.57.80.2: the session is down
                        to do: bring the session up, and announce it there too
            "#]],
        )
        .await;
    }

    #[tokio::test]
    async fn f55_a_route_of_ours_is_told_with_its_line_of_the_rib() {
        check(
            "13.64.0.0/14",
            expect![[r#"
                13.64.0.0/14 to contoso-ashburn-1-v4 (4.68.74.181 AS3356): advertised, AS path
                8075 12075, next hop 4.68.74.182, as it is since 2026-11-22T12:00:00Z, from
                rib/microsoft.yaml:6
                13.64.0.0/14 to ix-london-1-v4 (5.57.80.2 AS3356): not advertised: the session
                is not Established, from rib/microsoft.yaml:6
            "#]],
        )
        .await;
    }

    #[tokio::test]
    async fn json_is_the_daemons_own_and_nothing_at_all_is_an_error() {
        let rows: serde_json::Value =
            serde_json::from_str(&said("4.2.0.0/16 --json").await.unwrap()).unwrap();
        assert_eq!(rows.as_array().unwrap().len(), 2, "of the sessions that carry IPv4");
        let error = said("9.9.9.9").await.unwrap_err().to_string();
        assert!(error.starts_with("9.9.9.9 is neither announced to us"), "{error}");
    }
}
