//! Cyrus's IMAP server. Its package and Dovecot's exclude each other, so it is not installed but unpacked, by `.ci/run`.
//! Its `master` runs it as a user without rights, on a loopback port, with everything in a directory of the test. It
//! ends with the test process.

use super::pop3d::USER;
use super::real::{Server, free_port, have, make_dirs_of};
use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Where it is unpacked.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/cyrus");

/// It refuses to serve as root; Debian has this user on every system.
const OWNER: (&str, &str, u32) = ("nobody", "nogroup", 65534);

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(300);

/// Who may make mailboxes.
pub const ADMIN: &str = "admin";

/// A running server; it ends when dropped.
pub struct Cyrus {
    _server: Server,
    _dir: tempfile::TempDir,
    port: u16,
}

impl Cyrus {
    /// Starts it, or skips the test. `hidden`: capabilities that it does not announce, though it has them. Every
    /// password is right; no user has a mailbox.
    #[track_caller]
    pub fn start(test: &str, hidden: &str) -> Option<Cyrus> {
        let bin = format!("{ROOT}/usr/lib/cyrus/bin");
        let master = format!("{bin}/master");
        if !have(test, &["root", "setsid", &master]) {
            return None;
        }
        let dir = tempfile::Builder::new().prefix("postie-cyrus-").tempdir().unwrap();
        let (root, port) = (dir.path(), free_port());
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
        make_dirs_of(OWNER.2, root, &["run", "spool", "conf"]);
        make_dirs_of(OWNER.2, &root.join("conf"), &["db", "proc", "log", "msg", "socket", "lock", "user"]);
        fs::write(root.join("imapd.conf"), settings(root, hidden)).unwrap();
        fs::write(root.join("cyrus.conf"), services(root, &bin, port)).unwrap();
        let libraries = ["usr/lib", "lib"].map(|dir| libraries(&format!("{ROOT}/{dir}"))).concat().join(":");
        let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
        // At its end it ends all processes of its group: it gets a session of its own.
        let server = Server::start(
            Path::new("/usr/bin/setsid"),
            &[
                "env",
                &format!("LD_LIBRARY_PATH={libraries}"),
                &master,
                "-D",
                "-C",
                &path("imapd.conf"),
                "-M",
                &path("cyrus.conf"),
                "-p",
                &path("run/pid"),
            ],
            &root.join("output"),
        );
        let cyrus = Cyrus { _server: server, _dir: dir, port };
        let begun = Instant::now();
        while !cyrus.greets() {
            let said = fs::read_to_string(cyrus._dir.path().join("output")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "Cyrus does not start:\n{said}");
            // Nothing signals this event: check again soon.
            thread::park_timeout(Duration::from_millis(20));
        }
        Some(cyrus)
    }

    fn greets(&self) -> bool {
        let mut greeting = [0; 4];
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        socket.is_ok_and(|mut socket| socket.read_exact(&mut greeting).is_ok() && greeting == *b"* OK")
    }

    /// The `--server` URL.
    pub fn url(&self) -> String {
        format!("imap+insecure://{USER}@localhost:{}", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The directories below `dir` that libraries of this machine's kind may lie in.
fn libraries(dir: &str) -> Vec<String> {
    let kinds = ["", "/x86_64-linux-gnu", "/aarch64-linux-gnu"];
    kinds.iter().map(|kind| format!("{dir}{kind}")).filter(|dir| PathBuf::from(dir).exists()).collect()
}

fn settings(root: &Path, hidden: &str) -> String {
    let root = root.display();
    let (user, group, _) = OWNER;
    let hidden = match hidden {
        "" => String::new(),
        some => format!("suppress_capabilities: {some}\n"),
    };
    format!(
        "configdirectory: {root}/conf\npartition-default: {root}/spool\ndefaultpartition: default\n\
         cyrus_user: {user}\ncyrus_group: {group}\nadmins: {ADMIN}\nsasl_pwcheck_method: alwaystrue\n\
         sasl_mech_list: PLAIN\nallowplaintext: yes\naltnamespace: no\nunixhierarchysep: no\n\
         idlesocket: {root}/run/idle\nlmtpsocket: {root}/run/lmtp\nnotifysocket: {root}/run/notify\n\
         imapidlepoll: 1\nspecialusealways: yes\n{hidden}"
    )
}

fn services(root: &Path, bin: &str, port: u16) -> String {
    let config = format!("-C {}/imapd.conf", root.display());
    format!(
        "START {{\n  recover cmd=\"{bin}/ctl_cyrusdb {config} -r\"\n}}\n\
         SERVICES {{\n  imap cmd=\"{bin}/imapd {config}\" listen=\"127.0.0.1:{port}\" prefork=0\n}}\n\
         EVENTS {{\n}}\nDAEMON {{\n  idled cmd=\"{bin}/idled {config} -d\"\n}}\n"
    )
}
