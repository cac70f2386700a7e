//! Real PostgreSQL servers for tests: Debian's package, on loopback and a socket only, in a
//! temporary directory that is removed on drop. The server refuses to run as root; it then runs as
//! the package's user.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use crate::redis::{Certificates, free_port, wait_until};

/// User of Debian's package.
const USER: &str = "postgres";

/// Role of the app, which owns its tables.
pub const ROLE: &str = "app";

/// Password of the role.
pub const PASSWORD: &str = "app-password-123";

/// Server with a database `app` of the role [`ROLE`].
pub struct Postgres {
    child: Child,
    port: u16,
    dir: TempDir,
    options: Vec<String>,
    /// Stopped processes, which would not notice the server's end.
    stopped: Mutex<Vec<String>>,
}

/// Returns the path of a program of the package, which is not on the search path.
///
/// # Panics
/// If it is not installed.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    versions.sort();
    let found =
        versions.pop().map(|version| version.join("bin").join(name)).filter(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("there is no {name}: install it, on Debian with `apt-get install postgresql`")
    })
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Returns a command that runs as a user accepted by the server.
fn command(name: &str) -> Command {
    command_of(program(name))
}

/// Returns a command for the program at this path, for the server's user.
pub(crate) fn command_of(program: impl AsRef<OsStr>) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--init-groups"]).arg(program);
    command
}

/// Changes the owner of a directory and its contents to that user.
pub(crate) fn give(path: &Path) {
    if is_root() {
        let given = Command::new("chown").args(["-R", USER]).arg(path).status();
        assert!(
            given.is_ok_and(|status| status.success()),
            "{} can be given to {USER}",
            path.display()
        );
    }
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("the program can be started");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns a data directory made by `initdb`, which takes seconds and is done once per machine.
fn template() -> PathBuf {
    let version = run(Command::new(program("postgres")).arg("--version"));
    let name = format!(
        "oauthctl-test-postgres-{}",
        version.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
    );
    let place = std::env::temp_dir().join(name);
    if !place.join("PG_VERSION").exists() {
        let parent = TempDir::new().expect("a directory can be made");
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let made = parent.path().join("data");
        fs::create_dir(&made).expect("a directory can be made");
        give(&made);
        let mut initdb = command("initdb");
        initdb.args(["--no-sync", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"]);
        initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256", "-D"]).arg(&made);
        run(&mut initdb);
        // Another process may have been faster.
        let _ = fs::rename(&made, &place);
    }
    place
}

impl Postgres {
    /// Starts a server with an empty database.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with settings of `postgresql.conf`: `["synchronous_commit=off"]`.
    pub fn start_with(settings: &[&str]) -> Self {
        Self::begin(settings, None)
    }

    /// Starts a server with TLS.
    pub fn start_tls(certificates: &Certificates, settings: &[&str]) -> Self {
        Self::begin(settings, Some(certificates))
    }

    fn begin(settings: &[&str], certificates: Option<&Certificates>) -> Self {
        let dir = Self::place();
        run(Command::new("cp").arg("-a").arg(template()).arg(dir.path().join("data")));
        let mut options: Vec<_> =
            ["fsync=off", "full_page_writes=off", "max_wal_senders=4"].map(str::to_owned).into();
        if let Some(certificates) = certificates {
            for (name, text) in
                [("server.crt", &certificates.certificate), ("server.key", &certificates.key)]
            {
                let path = dir.path().join(name);
                fs::write(&path, text).expect("a file can be written");
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
            }
            options.push("ssl=on".to_owned());
            for (setting, name) in [("ssl_cert_file", "server.crt"), ("ssl_key_file", "server.key")]
            {
                options.push(format!("{setting}={}", dir.path().join(name).display()));
            }
        }
        options.extend(settings.iter().map(|setting| (*setting).to_owned()));
        let server = Self::up(dir, options);
        server.admin(&format!("CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'"));
        server.admin(&format!("CREATE DATABASE app OWNER {ROLE}"));
        server
    }

    /// Creates the directory of one server, accessible to the server's user.
    fn place() -> TempDir {
        let dir = TempDir::new().expect("a directory can be made");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        fs::create_dir(dir.path().join("socket")).expect("a directory can be made");
        dir
    }

    fn up(dir: TempDir, options: Vec<String>) -> Self {
        give(dir.path());
        let port = free_port();
        let child = Self::launch(&dir, port, &options);
        let server = Self { child, port, dir, options, stopped: Mutex::default() };
        server.wait();
        server
    }

    /// Starts a standby of this server.
    #[must_use]
    pub fn standby(&self) -> Self {
        let dir = Self::place();
        give(dir.path());
        let mut copy = command("pg_basebackup");
        copy.args(["-R", "-X", "stream", "-c", "fast", "--no-sync", "-U", "postgres"]);
        copy.args(["-p", &self.port.to_string(), "-h"]).arg(self.socket());
        run(copy.arg("-D").arg(dir.path().join("data")));
        let standby = Self::up(dir, self.options.clone());
        wait_until("the standby", || {
            self.admin("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") != "0"
        });
        standby
    }

    /// Stops replication to the standbys.
    pub fn hold_back(&self) {
        let processes = self.admin("SELECT pid FROM pg_stat_replication");
        for process in processes.lines() {
            run(Command::new("kill").args(["-STOP", process]));
            self.stopped().push(process.to_owned());
        }
    }

    /// Continues replication to the standbys.
    pub fn catch_up(&self) {
        for process in self.stopped().drain(..) {
            run(Command::new("kill").args(["-CONT", &process]));
        }
    }

    fn stopped(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Promotes the standby, with the data that it has received.
    pub fn promote(&self) {
        assert_eq!(self.admin("SELECT pg_promote(true, 60)"), "t");
    }

    fn launch(dir: &TempDir, port: u16, options: &[String]) -> Child {
        let mut server = command("postgres");
        server.arg("-D").arg(dir.path().join("data")).args([
            "-p",
            &port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
        ]);
        server
            .arg("-c")
            .arg(format!("unix_socket_directories={}", dir.path().join("socket").display()));
        for option in options {
            server.args(["-c", option]);
        }
        server.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(dir.path().join("log"))
            .expect("a log can be made");
        server.stderr(log).spawn().expect("setpriv of util-linux and postgres can be started")
    }

    fn wait(&self) {
        wait_until("postgres", || {
            let mut ready = Command::new(program("pg_isready"));
            ready.args(["-q", "-p", &self.port.to_string(), "-h"]).arg(self.socket());
            ready.status().is_ok_and(|status| status.success())
        });
    }

    /// Returns the port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the directory of its socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    /// Returns the server's log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Returns `postgres://app:…@127.0.0.1:PORT/app`.
    pub fn url(&self) -> String {
        format!("postgres://{ROLE}:{PASSWORD}@127.0.0.1:{}/app", self.port)
    }

    /// Runs SQL in the app's database as its role, and returns the rows, without headings, fields
    /// separated by `|`.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn sql(&self, sql: &str) -> String {
        self.psql(ROLE, "app", sql)
    }

    /// Runs SQL as the superuser, in the server's own database.
    pub fn admin(&self, sql: &str) -> String {
        self.psql("postgres", "postgres", sql)
    }

    /// Runs SQL as any role, in any database.
    pub fn psql(&self, role: &str, database: &str, sql: &str) -> String {
        let mut psql = Command::new(program("psql"));
        psql.args([
            "-qAtX",
            "-v",
            "ON_ERROR_STOP=1",
            "-p",
            &self.port.to_string(),
            "-U",
            role,
            "-d",
            database,
            "-h",
        ]);
        psql.arg(self.socket()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = psql.spawn().expect("psql can be started");
        // In a thread, because the process may fill its output before it has read all input.
        let mut input = child.stdin.take().expect("it is piped");
        let text = sql.to_owned();
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output().expect("psql ends");
        let _ = writer.join();
        assert!(output.status.success(), "{sql:.300}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Kills it, like a crash.
    pub fn kill(&mut self) {
        for process in self.stopped().drain(..) {
            let _ = Command::new("kill").args(["-KILL", &process]).stderr(Stdio::null()).status();
        }
        // Its children end when they notice the loss; `immediate` tells them.
        let mut quit = Command::new("kill");
        let _ = quit.args(["-QUIT", &self.child.id().to_string()]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }

    /// Restarts it after [`Self::kill`], with its data.
    pub fn restart(&mut self) {
        self.child = Self::launch(&self.dir, self.port, &self.options);
        self.wait();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}
