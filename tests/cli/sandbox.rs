//! Hermetic environment for oauthctl: an empty directory, no variables, and a stopped clock.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rexpect::session::PtySession;
use tempfile::TempDir;

/// Time in all sandboxes.
pub(crate) const NOW: &str = "2026-11-23T12:00:00Z";

/// Path of the program.
pub(crate) const OAUTHCTL: &str = env!("CARGO_BIN_EXE_oauthctl");
const ANYONE: u32 = 65534;

/// Empty working directory with its own environment.
pub(crate) struct Sandbox {
    root: TempDir,
    variables: BTreeMap<OsString, OsString>,
    stdin: Vec<u8>,
}

/// Result of a run. Displayed with all its output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let root = TempDir::with_prefix("oauthctl-test-").unwrap();
        for directory in ["app", "bin", "home"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        std::os::unix::fs::symlink(OAUTHCTL, root.path().join("bin/oauthctl")).unwrap();
        let mut sandbox = Self { root, variables: BTreeMap::new(), stdin: Vec::new() };
        let home = sandbox.root.path().join("home");
        for (name, below) in [
            ("HOME", ""),
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_STATE_HOME", ".local/state"),
            ("TMPDIR", ""),
        ] {
            sandbox.set(name, home.join(below));
        }
        let mut path = sandbox.root.path().join("bin").into_os_string();
        path.push(":/usr/local/bin:/usr/bin:/bin");
        sandbox.set("PATH", path);
        sandbox.set("OAUTHCTL_TEST_NOW", NOW);
        sandbox
    }

    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) -> &mut Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Removes a variable.
    pub(crate) fn unset(&mut self, name: &str) -> &mut Self {
        self.variables.remove(OsStr::new(name));
        self
    }

    /// Sets the standard input of the next runs.
    pub(crate) fn stdin(&mut self, text: impl Into<Vec<u8>>) -> &mut Self {
        self.stdin = text.into();
        self
    }

    /// Returns a path in the working directory.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.path().join("app").join(name)
    }

    /// Writes a file readable only for its owner, like a key file.
    pub(crate) fn file(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Returns the permission bits of a file.
    pub(crate) fn mode(&self, name: impl AsRef<Path>) -> u32 {
        fs::metadata(self.path(name)).unwrap().mode() & 0o7777
    }

    /// Returns all files in the sandbox with mode and content, to check that a run changes nothing.
    ///
    /// Not for a database that this process has locked: reading the file releases the lock (POSIX).
    pub(crate) fn everything(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        fn walk(directory: &Path, found: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let metadata = fs::symlink_metadata(&path).unwrap();
                let content =
                    if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
                found.insert(path.clone(), (metadata.mode(), content));
                if metadata.is_dir() {
                    walk(&path, found);
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(self.root.path(), &mut found);
        found
    }

    /// Returns the names of the files in the working directory.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs oauthctl.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        let mut command = self.command(OAUTHCTL);
        command.args(arguments);
        self.finish(command)
    }

    /// Runs oauthctl, which must succeed and print only its result.
    pub(crate) fn result<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        let output = self.run(arguments);
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
        output.stdout
    }

    /// Runs oauthctl, which must fail and change nothing: no result, one error line, then hints.
    pub(crate) fn refusal<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Output {
        let before = self.everything();
        let output = self.run(arguments);
        assert_is_refusal(&output);
        assert_eq!(before, self.everything(), "something was changed:\n{output}");
        output
    }

    /// Runs oauthctl as a user other than root, so that permissions apply.
    pub(crate) fn refusal_for_an_ordinary_user<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Output {
        let command = self.command_of_an_ordinary_user(arguments);
        let before = self.everything();
        let output = self.finish(command);
        assert_is_refusal(&output);
        assert_eq!(before, self.everything(), "something was changed:\n{output}");
        output
    }

    /// Runs oauthctl as such a user, with any result.
    pub(crate) fn run_by_an_ordinary_user<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Output {
        self.finish(self.command_of_an_ordinary_user(arguments))
    }

    fn command_of_an_ordinary_user<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        if fs::metadata("/proc/self").unwrap().uid() != 0 {
            let mut command = self.command(OAUTHCTL);
            command.args(arguments);
            return command;
        }
        // The build directory may be inaccessible for that user.
        let binary = self.root.path().join("oauthctl");
        if !binary.exists() {
            fs::hard_link(OAUTHCTL, &binary)
                .or_else(|_| fs::copy(OAUTHCTL, &binary).map(drop))
                .unwrap();
        }
        fs::set_permissions(self.root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = self.command("setpriv");
        command.args([
            &format!("--reuid={ANYONE}"),
            &format!("--regid={ANYONE}"),
            "--clear-groups",
        ]);
        command.arg(&binary).args(arguments);
        command
    }

    /// Runs a shell script with oauthctl on its PATH.
    pub(crate) fn sh(&self, script: &str) -> Output {
        let mut command = self.command("bash");
        command.args(["-c", script]);
        self.finish(command)
    }

    /// Starts oauthctl with its output in pipes that are not read yet, and with signals as set by
    /// a shell, also where the tests run under `nohup`.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Child {
        self.start_with(DEFAULT_SIGNALS, arguments)
    }

    /// Starts oauthctl with this option of `env` about signals.
    pub(crate) fn start_with<S: AsRef<OsStr>>(
        &self,
        signals: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> Child {
        let mut command = self.command("env");
        command.args([signals, OAUTHCTL]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Starts oauthctl on an interactive terminal.
    pub(crate) fn terminal<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> PtySession {
        let mut command = self.command(OAUTHCTL);
        command.args(arguments);
        rexpect::session::spawn_command(command, Some(10_000)).unwrap()
    }

    /// Waits for a started program, and returns its output.
    pub(crate) fn output_of(&self, child: Child) -> Output {
        let output = self.output(child.wait_with_output().unwrap());
        assert_no_token(&output.to_string());
        output
    }

    /// Runs oauthctl on a terminal, and returns what the terminal shows.
    pub(crate) fn on_a_terminal<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> String {
        let mut session = self.terminal(arguments);
        let text = session.exp_eof().unwrap().replace("\r\n", "\n");
        assert_no_token(&text);
        text
    }

    /// Prepares a program to run in the sandbox.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.variables).current_dir(self.path(""));
        command
    }

    fn finish(&self, mut command: Command) -> Output {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read its input closes it early.
        let _ = child.stdin.take().unwrap().write_all(&self.stdin);
        let output = self.output(child.wait_with_output().unwrap());
        assert_no_token(&output.stderr);
        // An export is requested to contain the tokens themselves.
        let arguments: Vec<_> =
            command.get_args().map(|argument| argument.to_string_lossy()).collect();
        let is_export = arguments.join(" ").contains("sessions export");
        if !is_export {
            assert_no_token(&output.stdout);
        }
        output
    }

    fn output(&self, output: std::process::Output) -> Output {
        let text = |bytes| {
            let text = String::from_utf8(bytes).expect("output is text");
            text.replace(self.root.path().to_str().unwrap(), "$SANDBOX")
        };
        Output {
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            code: output.status.code().expect("oauthctl was ended by a signal"),
        }
    }
}

/// Asserts that a text contains no refresh token of the test network. Applied to all runs.
#[track_caller]
fn assert_no_token(text: &str) {
    let is_token =
        |part: &str| part.len() >= 64 && part.bytes().take(64).all(|byte| byte.is_ascii_hexdigit());
    assert!(!text.split("ref-").skip(1).any(is_token), "a refresh token is shown:\n{text}");
}

/// Option of `env` for [`interrupt`] to work under `nohup`, too.
pub(crate) const DEFAULT_SIGNALS: &str = "--default-signal=HUP,INT,QUIT,TERM";

/// Sends a signal to a process after it has installed its handlers.
pub(crate) fn interrupt(child: &Child, signal: &str) {
    let number = match signal {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        _ => 15,
    };
    let listens = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))
            .expect("a process has signals");
        u64::from_str_radix(caught.trim(), 16).unwrap() >> (number - 1) & 1 == 1
    };
    for _ in 0..10_000 {
        if listens() {
            let sent = Command::new("kill")
                .args([&format!("-{signal}"), &child.id().to_string()])
                .status()
                .unwrap();
            assert!(sent.success(), "the process has ended already");
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("the process does not listen for SIG{signal}");
}

/// Asserts the common form of all refusals.
#[track_caller]
pub(crate) fn assert_is_refusal(output: &Output) {
    assert!(output.code == 1 || output.code == 2, "{output}");
    assert_eq!(output.stdout, "", "a refusal has no result");
    let mut lines = output.stderr.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("error: ")), "{output}");
    // A hint may continue with lines to copy.
    let is_expected =
        |line: &str| ["caused by: ", "hint: ", "  "].iter().any(|begin| line.starts_with(begin));
    assert!(lines.clone().all(is_expected), "{output}");
    assert!(lines.any(|line| line.starts_with("hint: ")), "no hint:\n{output}");
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "\n-- {name} --\n{}", text.strip_suffix('\n').unwrap_or(text))?;
            }
        }
        Ok(())
    }
}
