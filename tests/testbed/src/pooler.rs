//! `PgBouncer` in front of a PostgreSQL server: Debian's package, loopback only, in a temporary
//! directory, stopped on drop. Like the server, it refuses to run as root.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use crate::postgres::{PASSWORD, Postgres, ROLE, command_of, give};
use crate::redis::{free_port, wait_until};

/// Path of the program, which may not be on the search path.
const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// Time at which a connection to the server returns to the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// End of a transaction.
    Transaction,
    /// End of the client's connection.
    Session,
}

/// Pooler with the role [`ROLE`] as its only user.
pub struct Pooler {
    child: Child,
    port: u16,
    dir: TempDir,
}

impl Pooler {
    /// Starts a pooler for this server, with this number of connections, each used in turn.
    pub fn before(server: &Postgres, mode: PoolMode, size: usize) -> Self {
        assert!(
            fs::metadata(PROGRAM).is_ok(),
            "there is no {PROGRAM}: install it, on Debian with `apt-get install pgbouncer`"
        );
        let dir = TempDir::new().expect("a directory can be made");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let port = free_port();
        let mode = match mode {
            PoolMode::Transaction => "transaction",
            PoolMode::Session => "session",
        };
        let (place, users) = (dir.path().join("pgbouncer.ini"), dir.path().join("users.txt"));
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\n\
             auth_file = {}\npool_mode = {mode}\ndefault_pool_size = {size}\n\
             server_round_robin = 1\n",
            server.port(),
            users.display()
        );
        fs::write(&place, settings).expect("a file can be written");
        fs::write(&users, format!("\"{ROLE}\" \"{PASSWORD}\"\n")).expect("a file can be written");
        give(dir.path());
        let log = fs::File::create(dir.path().join("log")).expect("a log can be made");
        let mut program = command_of(PROGRAM);
        program.arg(&place).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        let child = program.stderr(log).spawn().expect("setpriv and pgbouncer can be started");
        let pooler = Self { child, port, dir };
        wait_until("pgbouncer", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        pooler
    }

    /// Returns `postgres://app:…@127.0.0.1:PORT/app`.
    pub fn url(&self) -> String {
        format!("postgres://{ROLE}:{PASSWORD}@127.0.0.1:{}/app", self.port)
    }

    /// Returns its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
