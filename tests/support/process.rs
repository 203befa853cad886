//! A process of the test's own: it logs into a file, and it ends with the test.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::wait::until;

/// How much of a log is shown when a test fails.
const SHOWN_LINES: usize = 120;

/// A process that is killed when this is dropped; of a failing test, its log is shown.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output in `log`, appended.
    pub(crate) fn spawn(name: &str, mut command: Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|e| panic!("start {name} by {command:?}: {e}"));
        Self { name: name.to_owned(), child, log: log.to_owned() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it has said so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Sends a signal by its name, like `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        run(Command::new("sh").args(["-c", &format!("kill -{name} {}", self.pid())]));
    }

    /// SIGKILL, and waits for the end.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the process to end by itself, and says how it ended and after how long.
    #[track_caller]
    pub(crate) fn wait_for_exit(&mut self, limit: Duration) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let what = format!("the end of {}", self.name);
        let status = until(&what, limit, || {
            self.child.try_wait().unwrap().ok_or_else(|| "it is still running".to_owned())
        });
        (status, began.elapsed())
    }

    /// Whether it has ended, and how.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where the process has ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
            eprintln!("---- log of {} ({} lines)\n{}\n----", self.name, lines.len(), shown.join("\n"));
        }
    }
}

/// Runs to the end and gives the standard output.
///
/// # Errors
/// Where it fails: what was run and what it said.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let out = command.stdin(Stdio::null()).output().map_err(|e| format!("{command:?}: {e}"))?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if out.status.success() {
        Ok(text)
    } else {
        Err(format!("{command:?}: {}: {text}{}", out.status, String::from_utf8_lossy(&out.stderr)))
    }
}

/// Runs to the end; failing is a panic.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    output(command).unwrap_or_else(|e| panic!("{e}"))
}

/// The full path of an installed program.
///
/// # Panics
/// Where it is missing, saying which Debian package has it.
pub(crate) fn installed(candidates: &[&str], package: &str) -> String {
    let found = candidates.iter().find(|path| Path::new(path).exists());
    (*found.unwrap_or_else(|| panic!("{} is missing: apt-get install {package}", candidates[0]))).to_owned()
}
