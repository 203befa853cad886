//! `import`: published prefix data → a RIB file.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::out::{self, WriteError};
use crate::rib::Findings;
use crate::rib::sources::{self, Condition, Count, Format, Longer, Select, Source, TooLong, Union, grouped};

/// Input below this many bytes is read before a progress bar could be seen.
const BAR_FROM_LEN: u64 = 1 << 20;

/// Make a RIB file of published prefix data.
///
/// The sources are united and aggregated exactly. Every source is checked whole: prefixes that are malformed, have host bits or lie outside global unicast space stop
/// the import, and nothing is written. Counts go to stderr.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("source").required(true).multiple(true))]
pub struct ImportArgs {
    /// Azure IP Ranges and Service Tags, JSON (may be repeated, as all sources may)
    #[arg(long, value_name = "FILE", group = "source")]
    pub service_tags: Vec<PathBuf>,

    /// Microsoft Public IP Space, CSV with the header Prefix,Type
    #[arg(long, value_name = "FILE", group = "source")]
    pub public_ips: Vec<PathBuf>,

    /// Office 365 endpoints, JSON: the web service's array, or a flat list with a version
    #[arg(long, value_name = "FILE", group = "source")]
    pub office365: Vec<PathBuf>,

    /// A prefix a line; # begins a comment
    #[arg(long, value_name = "FILE", group = "source")]
    pub list: Vec<PathBuf>,

    /// What to do with prefixes longer than /24 and /48; without it, an aggregate that is longer is an error
    #[arg(long, value_enum)]
    pub longer: Option<LongerArg>,

    /// Take only what has this value (may be repeated)
    ///
    /// tag, region and service narrow ServiceTags; area, category and express_route (true or false) narrow Office 365
    /// endpoints. Values of one key are alternatives, and every key of the source's format must be met; case does not
    /// matter, and `region=` means tags without a region. A source that has none of the selected keys, such as a CSV, a
    /// list or a flat Office 365 list, gives nothing; a value that no source has is an error.
    #[arg(long, value_name = "KEY=VALUE")]
    pub select: Vec<Condition>,

    /// The RIB file, replaced in one step and only on success; without it, stdout
    #[arg(long, value_name = "RIB")]
    pub out: Option<PathBuf>,
}

/// [`Longer`] on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LongerArg {
    /// Leave them out, before aggregation
    Drop,
    /// Advertise the /24 or /48 around each, though no source lists all of it
    Widen,
    /// Keep what is longer after aggregation, with allow_longer: true
    Keep,
}

impl LongerArg {
    fn meant(self) -> Longer {
        match self {
            Self::Drop => Longer::Drop,
            Self::Widen => Longer::Widen,
            Self::Keep => Longer::Keep,
        }
    }
}

impl ImportArgs {
    fn files(&self) -> impl Iterator<Item = (Format, &PathBuf)> {
        Format::ALL.into_iter().flat_map(|format| self.of(format).iter().map(move |file| (format, file)))
    }

    fn of(&self, format: Format) -> &[PathBuf] {
        match format {
            Format::ServiceTags => &self.service_tags,
            Format::PublicIps => &self.public_ips,
            Format::Office365 => &self.office365,
            Format::List => &self.list,
        }
    }
}

/// Why there is no RIB; the text is all that the operator gets to see.
enum Failure {
    /// Exit code 1.
    Input(String),
    /// Exit code 2.
    Usage(String),
    /// Whoever read stdout has had enough: exit code 1, nothing to say.
    Unread,
}

/// Runs the command: 0 when the RIB is written, 1 when the input is wrong, 2 when the arguments are.
#[must_use]
pub fn run(args: &ImportArgs) -> ExitCode {
    let (code, text) = match import(args) {
        Ok(report) => (ExitCode::SUCCESS, report),
        Err(Failure::Input(text)) => (ExitCode::from(1), text),
        Err(Failure::Usage(text)) => (ExitCode::from(2), text),
        Err(Failure::Unread) => return ExitCode::from(1),
    };
    // Where stderr is closed no one can be told.
    writeln!(io::stderr(), "{text}").unwrap_or_default();
    code
}

fn import(args: &ImportArgs) -> Result<String, Failure> {
    let select = Select::new(args.select.clone());
    check_usage(args, &select)?;
    let sources = load(args, &select)?;
    let unmet = select.unmet(&sources);
    if !unmet.is_empty() {
        return Err(Failure::Input(format!("error: {}", unmet.join("\nerror: "))));
    }
    if sources.iter().all(|source| source.entries.is_empty()) {
        return Err(Failure::Input(
            "error: no record meets every --select and has prefixes: select less narrowly".to_owned(),
        ));
    }
    let union = sources::unite(&sources, args.longer.map(LongerArg::meant)).map_err(too_long)?;
    if union.aggregated.total() == 0 {
        return Err(Failure::Input(
            "error: --longer drop leaves nothing, every prefix is longer than /24 or /48: widen or keep them"
                .to_owned(),
        ));
    }
    let rib = sources::to_yaml(&union, &sources, &command_line(args));
    out::write(args.out.as_deref(), &rib).map_err(|err| match err {
        WriteError::Stdout(err) if err.kind() == io::ErrorKind::BrokenPipe => Failure::Unread,
        err @ (WriteError::Stdout(_) | WriteError::File(_)) => Failure::Input(format!("error: {err}")),
    })?;
    Ok(report(args, &sources, &union))
}

/// What clap cannot see: arguments that contradict each other.
fn check_usage(args: &ImportArgs, select: &Select) -> Result<(), Failure> {
    for condition in select.conditions() {
        if !args.files().any(|(format, _)| format.keys().contains(&condition.key)) {
            let wanted = Format::ALL.into_iter().find(|format| format.keys().contains(&condition.key));
            let flag = wanted.map_or("", Format::name);
            return Err(Failure::Usage(format!(
                "error: --select {condition} has nothing to ask: give a source with a {} by --{flag}",
                condition.key
            )));
        }
    }
    let real = |path: &Path| fs::canonicalize(path).ok();
    if let Some(out) = args.out.as_deref().and_then(real)
        && let Some((_, file)) = args.files().find(|(_, file)| real(file).as_ref() == Some(&out))
    {
        let what = "is both a source and --out: write the RIB to another file";
        return Err(Failure::Usage(format!("error: {} {what}", file.display())));
    }
    Ok(())
}

/// Every source, or every finding of all of them.
fn load(args: &ImportArgs, select: &Select) -> Result<Vec<Source>, Failure> {
    let len = |file: &PathBuf| fs::metadata(file).map_or(0, |meta| meta.len());
    let bar = progress_bar(args.files().map(|(_, file)| len(file)).sum());
    let mut sources = Vec::new();
    let mut findings = Findings::default();
    let mut done = 0;
    for (format, file) in args.files() {
        bar.set_message(file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned());
        let mut progress = |bytes: usize| bar.set_position(done + u64::try_from(bytes).unwrap_or(0));
        match sources::load(format, file, select, &mut progress) {
            Ok(source) => sources.push(source),
            Err(found) => findings.0.extend(found.0),
        }
        done += len(file);
    }
    bar.finish_and_clear();
    if findings.has_errors() { Err(Failure::Input(findings.to_string())) } else { Ok(sources) }
}

fn progress_bar(len: u64) -> ProgressBar {
    if len < BAR_FROM_LEN || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("reading {bar:32} {bytes}/{total_bytes} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.tick();
    bar
}

fn too_long(found: TooLong) -> Failure {
    let first: Vec<String> = found.first.iter().map(ToString::to_string).collect();
    Failure::Input(format!(
        "error: {} IPv4 and {} IPv6 aggregates are longer than /24 and /48, such as {}; say what to do with them:\n  \
         --longer drop   leaves out every listed prefix that is longer\n  \
         --longer widen  advertises the /24 or /48 around each, which the sources do not list in full\n  \
         --longer keep   keeps them and marks their groups allow_longer: true",
        grouped(found.count.v4),
        grouped(found.count.v6),
        first.join(", "),
    ))
}

/// The command as others can repeat it: without folders, and without `--out`, which changes nothing in the file.
fn command_line(args: &ImportArgs) -> String {
    let mut line = "peeringd import".to_owned();
    let mut add = |flag: &str, value: &str| {
        line.push_str(&format!(" --{flag} {}", shell_word(value)));
    };
    for (format, file) in args.files() {
        add(format.name(), &file.file_name().unwrap_or(file.as_os_str()).to_string_lossy());
    }
    for condition in &args.select {
        add("select", &condition.to_string());
    }
    if let Some(value) = args.longer.and_then(|longer| longer.to_possible_value()) {
        add("longer", value.get_name());
    }
    line
}

fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The counts, a line each.
fn report(args: &ImportArgs, sources: &[Source], union: &Union) -> String {
    let mut rows: Vec<(String, Count)> =
        sources.iter().map(|source| (sources::display_name(source), source.distinct())).collect();
    rows.push(("all sources, distinct".to_owned(), union.distinct));
    match args.longer {
        Some(LongerArg::Drop) => rows.push(("longer than /24 or /48, dropped".to_owned(), union.changed)),
        Some(LongerArg::Widen) => rows.push(("longer than /24 or /48, widened".to_owned(), union.changed)),
        Some(LongerArg::Keep) | None => {}
    }
    rows.push(("after aggregation".to_owned(), union.aggregated));
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (name, count) in rows {
        let (v4, v6) = (grouped(count.v4), grouped(count.v6));
        // Writing to a String cannot fail.
        writeln!(out, "{name:width$}  {v4:>10} IPv4 + {v6:>9} IPv6").unwrap_or_default();
    }
    for (family, lengths) in ["IPv4", "IPv6"].into_iter().zip(union.lengths()) {
        if !lengths.is_empty() {
            let each: Vec<String> =
                lengths.iter().map(|(len, n)| format!("/{len} {}", grouped(*n))).collect();
            writeln!(out, "{family} lengths: {}", each.join(", ")).unwrap_or_default();
        }
    }
    for source in sources.iter().filter(|source| source.entries.is_empty()) {
        writeln!(out, "note: --select takes nothing from {}", sources::display_name(source))
            .unwrap_or_default();
    }
    match &args.out {
        Some(path) => out.push_str(&format!("wrote {}", path.display())),
        None => out.truncate(out.trim_end().len()),
    }
    out
}
