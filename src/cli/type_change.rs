//! `peeringd type-change`: another type for a connection, drained first and restarted then.

use std::io::{self, BufRead, IsTerminal as _, Write};
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, ClientError, SocketArgs, encoded, say};
use super::table::printable;
use crate::peering::PolicyGroup;

/// Arguments of `peeringd type-change`.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = "\
What is needed first: a direct peering that is no legacy one any more, with two connections or more, all of equal \
bandwidth where that is said, and all active; the connection's session_address_provider must be one that the new type \
takes. To peering_service also what `peeringd check` lists for Peering Service (MAPS): maps_agreement: true, both \
address families, and connections on two routers where edge_router is said. To voice, no registered IPv4 prefix longer \
than /24. The connections of a peering change to one type, one after the other; once all are changed, write it into \
the config as direct_peering_type or peering_service.

A voice connection stays without routes, since BFD is not supported yet: a change to voice is asked about on a terminal, \
and needs --yes elsewhere.")]
pub struct TypeChangeArgs {
    /// A connection's name.
    connection: String,
    /// A type as in the config, like `voice`, or `peering_service` for the use for Peering Service.
    r#type: String,
    /// Do not ask where the new type takes the connection's routes away.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    socket: SocketArgs,
}

#[derive(Deserialize)]
struct Begun {
    connection: String,
    ahead: usize,
}

/// Runs `peeringd type-change`: comes back once the change was taken on. Exit code 0, or 1 after a line on stderr; 2 where
/// it would have to ask and cannot.
#[must_use]
pub fn run(args: &TypeChangeArgs) -> ExitCode {
    let asked = takes_routes_away(&args.r#type) && !args.yes;
    let answer = if asked { ask(args) } else { Ok(Answer::Yes) };
    let said = match answer {
        Ok(Answer::Yes) => order(args).and_then(|begun| say(&mut io::stdout(), &in_words(&begun))),
        Ok(Answer::No) => return failed("nothing is changed", ExitCode::FAILURE),
        Ok(Answer::CannotAsk) => {
            let what = "a voice connection stays without routes, since BFD is not supported yet: give --yes to change it";
            return failed(what, ExitCode::from(2));
        }
        Err(error) => Err(error.into()),
    };
    match said {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string(), ExitCode::FAILURE),
    }
}

fn failed(message: &str, code: ExitCode) -> ExitCode {
    // Where stderr is gone too, the exit code says it alone.
    drop(writeln!(io::stderr(), "peeringd: {}", printable(message)));
    code
}

fn in_words(Begun { connection, ahead }: &Begun) -> String {
    let how = match ahead {
        0 => "changes its type: it is drained, and its sessions restart".to_owned(),
        1 => "changes its type after one other connection".to_owned(),
        n => format!("changes its type after {n} other connections"),
    };
    format!("{connection} {how}")
}

/// Whether a connection that is changed to this stays without routes. Azure's spelling is the daemon's too.
fn takes_routes_away(word: &str) -> bool {
    PolicyGroup::default().changed_to(word).is_some_and(PolicyGroup::needs_bfd)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    Yes,
    No,
    CannotAsk,
}

fn ask(args: &TypeChangeArgs) -> io::Result<Answer> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(Answer::CannotAsk);
    }
    answered(&args.connection, &mut io::stdin().lock(), &mut io::stderr())
}

fn answered(connection: &str, input: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<Answer> {
    let connection = printable(connection);
    write!(
        out,
        "{connection} loses all its routes: voice requires BFD, which is not supported yet. Go on? [y/N] "
    )?;
    out.flush()?;
    let mut line = String::new();
    input.read_line(&mut line)?;
    let is_yes = matches!(line.trim().to_lowercase().as_str(), "y" | "yes");
    Ok(if is_yes { Answer::Yes } else { Answer::No })
}

fn order(args: &TypeChangeArgs) -> Result<Begun, ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let path = format!("/api/v1/connections/{}/typeChange", encoded(&args.connection));
    let order = json!({ "to": args.r#type });
    let answer = runtime.block_on(Client::new(&args.socket.socket).order(&path, &order))?;
    Ok(serde_json::from_slice(&answer)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peering::DirectPeeringType;

    #[test]
    fn only_a_change_that_takes_the_routes_away_is_asked_about() {
        let asked: Vec<_> =
            DirectPeeringType::CONFIG_NAMES.iter().filter(|name| takes_routes_away(name)).collect();
        assert_eq!(asked, [&"voice"]);
        assert!(takes_routes_away("Voice") && !takes_routes_away("Edge"), "Azure's spelling is taken too");
        assert!(!takes_routes_away("peering_service") && !takes_routes_away("vice"));
    }

    /// A pipe that nobody reads, or a disk that is full.
    struct Gone(io::ErrorKind);

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_was_done_is_done_though_nobody_reads_it() {
        assert!(say(&mut Gone(io::ErrorKind::BrokenPipe), "done").is_ok());
        assert!(say(&mut Gone(io::ErrorKind::StorageFull), "done").is_err());
    }

    #[test]
    fn nothing_but_a_yes_is_one() {
        for (typed, expected) in [
            ("y\n", Answer::Yes),
            (" YES \n", Answer::Yes),
            ("n\n", Answer::No),
            ("\n", Answer::No),
            ("", Answer::No),
            ("yesterday\n", Answer::No),
        ] {
            let mut said = Vec::new();
            assert_eq!(answered("c1", &mut typed.as_bytes(), &mut said).unwrap(), expected, "{typed:?}");
            let said = String::from_utf8(said).unwrap();
            assert!(said.starts_with("c1 loses all its routes: voice requires BFD"), "{said}");
        }
    }
}
