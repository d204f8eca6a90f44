//! Dovecot and Postfix, from the distribution's packages. Each test gets its own instance, an ordinary
//! process tree on free loopback ports in a temporary directory. They end with the test process, however that
//! ends: a shell waits for that at a pipe.
//!
//! If they are missing, or the tests do not run as root, a test is skipped with a loud line; with
//! `POSTIE_REQUIRE_ALL=1` (as in CI) it fails instead.

mod conf;

use super::authority::{Authority, Certificate};
use super::pop3d::{Mode, SECRET, USER};
pub use conf::Ports;
use conf::{dovecot_conf, main_cf, master_cf};
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The owner of the mailboxes; no account of the system needs to have the number.
const MAIL_OWNER: u32 = 5000;

/// How long a server may take to start or a message to arrive.
const PATIENCE: Duration = Duration::from_secs(300);

/// Whether all of `needs` are there. If not, says loudly that `test` is skipped, or fails it if everything is
/// required.
#[track_caller]
pub fn have(test: &str, needs: &[&str]) -> bool {
    let missing: Vec<&str> = needs.iter().copied().filter(|need| !is_there(need)).collect();
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join(", ");
    let required = std::env::var_os("POSTIE_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!required, "{test} needs {missing}, and POSTIE_REQUIRE_ALL=1 is set");
    // Not by the macros, whose output the test harness hides.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: missing here: {missing}");
    false
}

/// The needs of a test that starts the servers.
pub const SERVERS: &[&str] = &["root", "dovecot", "dovecot-pop3d", "dovecot-lmtpd", "postfix"];

/// The needs of a test that starts Dovecot alone, for IMAP.
pub const IMAP: &[&str] = &["root", "dovecot", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd"];

fn is_there(need: &str) -> bool {
    match need {
        "root" => rustix::process::geteuid().is_root(),
        "dovecot" => program("dovecot").is_some(),
        "postfix" => program("postfix").is_some() && program("postconf").is_some(),
        "dovecot-pop3d" => Path::new("/usr/lib/dovecot/pop3").exists(),
        "dovecot-imapd" => Path::new("/usr/lib/dovecot/imap").exists(),
        "dovecot-lmtpd" => Path::new("/usr/lib/dovecot/lmtp").exists(),
        // If it is forbidden (as in most containers), it counts as missing.
        "mount name space" => Command::new("unshare")
            .args(["--mount", "true"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success()),
        "oidc-provider" => super::oidc::is_there(),
        "php-symfony-mailer" => Path::new("/usr/share/php/Symfony/Component/Mailer/autoload.php").exists(),
        path if path.starts_with('/') => Path::new(path).exists(),
        "git send-email" => ["/usr/lib/git-core", "/usr/libexec/git-core", "/usr/local/libexec/git-core"]
            .iter()
            .any(|dir| Path::new(dir).join("git-send-email").exists()),
        other => program(other).is_some(),
    }
}

/// Where a program is.
pub fn program(name: &str) -> Option<PathBuf> {
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .map(|dir| Path::new(dir).join(name))
        .find(|path| path.exists())
}

/// A server process watched by a shell, which ends it when its standard input ends.
pub(super) struct Server {
    shell: Child,
    leash: Option<ChildStdin>,
}

impl Server {
    pub(super) fn start(program: &Path, args: &[&str], log: &Path) -> Server {
        let output = fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        // The server gets /dev/null for its own input, as a background job does.
        let script = "\"$@\" & server=$!; read -r _; kill -TERM $server; wait $server";
        let mut shell = Command::new("/bin/sh")
            .args(["-c", script, "sh"])
            .arg(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let leash = shell.stdin.take();
        Server { shell, leash }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.leash.take());
        let _ = self.shell.wait();
    }
}

/// What a test adds to the configurations.
#[derive(Default)]
pub struct Extra {
    /// Dovecot's.
    pub dovecot: String,
    /// Postfix's main.cf.
    pub postfix: String,
}

/// Dovecot and, unless that is not asked for, Postfix, running.
pub struct Real {
    // Dropped in this order: Postfix delivers through Dovecot.
    _postfix: Option<Server>,
    _dovecot: Server,
    dir: tempfile::TempDir,
    ports: Ports,
}

impl Real {
    /// Starts both, or skips the test.
    #[track_caller]
    pub fn start(test: &str) -> Option<Real> {
        have(test, SERVERS).then(|| Real::launch("", true))
    }

    /// Starts Dovecot alone, for IMAP; or skips the test. It announces these capabilities, or all that it has
    /// where none are named.
    #[track_caller]
    pub fn start_imap(test: &str, capabilities: &str) -> Option<Real> {
        let more = match capabilities {
            "" => String::new(),
            some => format!("imap_capability = {some}\n"),
        };
        have(test, IMAP).then(|| Real::launch(&more, false))
    }

    /// Starts both, for logins by tokens that the server at this address knows (`RFC 7662`); or skips the test.
    /// A token is for the mailbox that it names.
    #[track_caller]
    pub fn start_oauth(test: &str, introspection: &str) -> Option<Real> {
        let needs: Vec<&str> = SERVERS.iter().chain(IMAP).copied().collect();
        if !have(test, &needs) {
            return None;
        }
        let settings = format!(
            "introspection_mode = post\nintrospection_url = {introspection}\nusername_attribute = mail_user\n\
             active_attribute = active\nactive_value = true\n"
        );
        let more = "auth_mechanisms = plain xoauth2 oauthbearer\npassdb {\n  driver = oauth2\n  \
            mechanisms = xoauth2 oauthbearer\n  args = ROOT/oauth2.conf\n}\n";
        Some(Real::launch_with(more, true, &[("oauth2.conf", settings)]))
    }

    fn launch(more: &str, with_postfix: bool) -> Real {
        Real::launch_with(more, with_postfix, &[])
    }

    /// `more`: Dovecot's settings in addition, where `ROOT` is the directory that these files are in.
    fn launch_with(more: &str, with_postfix: bool, files: &[(&str, String)]) -> Real {
        Real::launch_made(with_postfix, |root, _| {
            for (name, text) in files {
                fs::write(root.join(name), text).unwrap();
            }
            Extra { dovecot: more.replace("ROOT", root.to_str().unwrap()), postfix: String::new() }
        })
    }

    /// With settings that are made where the servers will lie, and know where they will listen.
    pub fn launch_made(with_postfix: bool, extra: impl FnOnce(&Path, Ports) -> Extra) -> Real {
        let dir = tempfile::Builder::new().prefix("postie-real-").tempdir().unwrap();
        let root = dir.path().to_owned();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        let ports = Ports::free();
        let identity = Authority::shared().identity(Certificate::Good);
        fs::write(root.join("cert.pem"), identity.certificate_pem()).unwrap();
        fs::write(root.join("key.pem"), identity.key_pem()).unwrap();
        for part in ["run", "state", "mail", "queue", "data", "postfix"] {
            fs::create_dir(root.join(part)).unwrap();
            fs::set_permissions(root.join(part), fs::Permissions::from_mode(0o755)).unwrap();
        }
        make_dirs(&root, &["rawlog"]);
        let log = root.join("output");
        let conf = root.join("dovecot.conf");
        let imap = is_there("dovecot-imapd");
        let extra = extra(&root, ports);
        fs::write(&conf, dovecot_conf(&root, ports, imap) + &extra.dovecot).unwrap();
        fs::write(root.join("users"), "").unwrap();
        let dovecot_args = ["-F", "-c", conf.to_str().unwrap()];
        let dovecot = Server::start(&program("dovecot").unwrap(), &dovecot_args, &log);
        let postfix = with_postfix.then(|| start_postfix(&root, ports, &extra.postfix, &log));
        let real = Real { _postfix: postfix, _dovecot: dovecot, dir, ports };
        real.add_user(USER);
        for port in ports.awaited(imap, with_postfix) {
            real.wait_until(&format!("port {port}"), || {
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
            });
        }
        real
    }

    /// Makes a user with an empty mailbox, password [`SECRET`].
    pub fn add_user(&self, user: &str) {
        let home = self.dir.path().join("mail").join(user);
        make_dirs(&home, &["", "Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur"]);
        let line = format!("{user}:{{PLAIN}}{SECRET}:{MAIL_OWNER}:{MAIL_OWNER}::{}::\n", home.display());
        let mut users = fs::OpenOptions::new().append(true).open(self.dir.path().join("users")).unwrap();
        users.write_all(line.as_bytes()).unwrap();
    }

    /// The Maildir of a user on the server.
    pub fn maildir(&self, user: &str) -> PathBuf {
        self.dir.path().join("mail").join(user).join("Maildir")
    }

    /// Puts messages into a user's mailbox, in this order.
    pub fn fill<T: AsRef<[u8]>>(&self, user: &str, messages: impl IntoIterator<Item = T>) {
        for (number, message) in messages.into_iter().enumerate() {
            self.put(
                &self.maildir(user).join("new"),
                &format!("1757{number:06}.M{number:06}P1.real"),
                message,
            );
        }
    }

    /// Puts one message of that name into a directory of a Maildir, as another program does that delivers or,
    /// with flags in the name, has read mail.
    pub fn put(&self, dir: &Path, name: &str, message: impl AsRef<[u8]>) {
        let path = dir.join(name);
        fs::write(&path, message).unwrap();
        chown(&path, Some(MAIL_OWNER), Some(MAIL_OWNER)).unwrap();
    }

    /// Makes a folder, named as on disk and on the wire, below INBOX; gives its Maildir.
    pub fn add_folder(&self, user: &str, name: &str) -> PathBuf {
        let folder = self.maildir(user).join(format!(".{}", name.replace('/', ".")));
        make_dirs(&folder, &["", "tmp", "new", "cur"]);
        folder
    }

    /// The messages in a user's mailbox, as the server stores them.
    pub fn messages(&self, user: &str) -> Vec<Vec<u8>> {
        ["new", "cur"]
            .iter()
            .flat_map(|part| {
                let part = self.maildir(user).join(part);
                super::disk::names(&part).into_iter().map(move |name| fs::read(part.join(name)).unwrap())
            })
            .collect()
    }

    /// Waits until a user's mailbox holds `count` messages.
    #[track_caller]
    pub fn wait_for_messages(&self, user: &str, count: usize) -> Vec<Vec<u8>> {
        self.wait_until(&format!("{count} messages for {user}"), || self.messages(user).len() >= count);
        let messages = self.messages(user);
        assert_eq!(messages.len(), count, "messages for {user}");
        messages
    }

    #[track_caller]
    fn wait_until(&self, what: &str, there: impl Fn() -> bool) {
        let begun = Instant::now();
        while !there() {
            assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}:\n{}", self.log());
            // Nothing signals this event: check again soon.
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// What the servers logged.
    pub fn log(&self) -> String {
        ["output", "dovecot.log", "postfix.log"]
            .map(|name| super::process::read_or_empty(&self.dir.path().join(name)))
            .concat()
    }

    /// The account `real` of a configuration: both sides in one of the modes, with one mechanism.
    pub fn account(&self, mode: Mode, auth: &str, password_file: &str) -> String {
        let (tls, pop3, smtp) = match mode {
            Mode::Implicit => ("implicit", self.ports.pop3s, self.ports.smtps),
            Mode::Upgrade => ("starttls", self.ports.pop3, self.ports.smtp),
            Mode::Plain => ("none", self.ports.pop3, self.ports.smtp),
        };
        let table = |side: &str, port: u16, auth: &str| {
            format!(
                "[accounts.real.{side}]\nhost = \"localhost\"\nport = {port}\ntls = \"{tls}\"\nusername = \"{USER}\"\nauth = \"{auth}\"\n"
            )
        };
        let smtp_auth = if matches!(auth, "user" | "apop") { "auto" } else { auth };
        format!(
            "[accounts.real]\nemail = \"{USER}@mail.test\"\nname = \"Ana Example\"\n\
             password-file = \"{password_file}\"\n{}{}",
            table("pop3", pop3, auth),
            table("smtp", smtp, smtp_auth)
        )
    }

    /// The account `real` with its IMAP side alone.
    pub fn imap_account(&self, mode: Mode, auth: &str, password_file: &str) -> String {
        let (tls, port) = match mode {
            Mode::Implicit => ("implicit", self.ports.imaps),
            Mode::Upgrade => ("starttls", self.ports.imap),
            Mode::Plain => ("none", self.ports.imap),
        };
        format!(
            "[accounts.real]\nemail = \"{USER}@mail.test\"\npassword-file = \"{password_file}\"\n\
             [accounts.real.imap]\nhost = \"localhost\"\nport = {port}\ntls = \"{tls}\"\n\
             username = \"{USER}\"\nauth = \"{auth}\"\n"
        )
    }

    /// The URL of the IMAP side for `user`, without TLS.
    pub fn imap_url(&self, user: &str) -> String {
        format!("imap+insecure://{user}@localhost:{}", self.ports.imap)
    }

    /// The port of the IMAP side without TLS.
    pub fn imap_port(&self) -> u16 {
        self.ports.imap
    }

    /// The port of IMAP, with TLS from the start or in clear.
    #[allow(dead_code, reason = "for the benchmarks")]
    pub fn imap_port_with(&self, tls: bool) -> u16 {
        if tls { self.ports.imaps } else { self.ports.imap }
    }

    /// The commands that were sent by IMAP once a client was logged in, less their tags, in no order among
    /// sessions.
    pub fn imap_commands(&self) -> Vec<String> {
        let dir = self.dir.path().join("rawlog");
        let logs = super::disk::names(&dir).into_iter().filter(|name| name.ends_with(".in"));
        let lines = logs.map(|name| String::from_utf8_lossy(&fs::read(dir.join(name)).unwrap()).into_owned());
        // Each line begins with the time and the tag.
        let command = |line: &str| line.splitn(3, ' ').nth(2).map(str::to_owned);
        lines.flat_map(|text| text.lines().filter_map(command).collect::<Vec<_>>()).collect()
    }

    /// The port of the POP3 side, with TLS from the start or without any.
    pub fn pop3_port(&self, tls: bool) -> u16 {
        if tls { self.ports.pop3s } else { self.ports.pop3 }
    }

    /// The URL of the POP3 side for `user`, implicit TLS.
    pub fn pop3_url(&self, user: &str) -> String {
        format!("pop3s://{user}@localhost:{}", self.ports.pop3s)
    }

    /// The account `NAME` of a configuration for logins by token: the servers of the protocols, with TLS.
    pub fn token_account(&self, name: &str, user: &str, protocols: &[&str]) -> String {
        let port = |protocol: &str| match protocol {
            "pop3" => self.ports.pop3s,
            "imap" => self.ports.imaps,
            _ => self.ports.smtps,
        };
        let table = |protocol: &&str| {
            format!("[accounts.{name}.{protocol}]\nhost = \"localhost\"\nport = {}\n", port(protocol))
        };
        format!(
            "[accounts.{name}]\nemail = \"{user}@mail.test\"\n{}",
            protocols.iter().map(table).collect::<String>()
        )
    }

    /// Where they listen.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// The port of the SMTP side with TLS from the start.
    pub fn smtp_port(&self) -> u16 {
        self.ports.smtps
    }

    /// The URL of the SMTP side, implicit TLS.
    pub fn smtp_url(&self) -> String {
        format!("smtps://{USER}@localhost:{}", self.ports.smtps)
    }
}

/// Makes directories that are the mail owner's.
fn make_dirs(root: &Path, parts: &[&str]) {
    make_dirs_of(MAIL_OWNER, root, parts);
}

/// Makes directories that are this user's.
pub(super) fn make_dirs_of(owner: u32, root: &Path, parts: &[&str]) {
    for part in parts {
        let part = root.join(part);
        fs::create_dir_all(&part).unwrap();
        chown(&part, Some(owner), Some(owner)).unwrap();
    }
}

/// A port nobody has, below those that the system gives out by itself, and never the same twice in this
/// process.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + (std::process::id() % 1000) as u16 * 10;
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::SeqCst) % 2_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

fn start_postfix(root: &Path, ports: Ports, more: &str, log: &Path) -> Server {
    let postconf = Command::new(program("postconf").unwrap())
        .args(["-d", "-h", "daemon_directory", "mail_owner", "setgid_group"])
        .output()
        .unwrap();
    let settings = String::from_utf8_lossy(&postconf.stdout).into_owned();
    let mut settings = settings.lines().map(str::to_owned);
    let (daemons, owner) = (settings.next().unwrap(), settings.next().unwrap());
    let conf = root.join("postfix");
    // No setting twice: every process would log a warning of it, its logger too, which may then wait for itself.
    let name = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let others: Vec<String> = more.lines().map(name).collect();
    let own = main_cf(root, &daemons, ports);
    let own = own.lines().filter(|line| !others.contains(&name(line))).collect::<Vec<_>>().join("\n");
    fs::write(conf.join("main.cf"), format!("{own}\n{more}")).unwrap();
    fs::write(conf.join("master.cf"), master_cf(ports)).unwrap();
    let own = Command::new("chown").arg(&owner).arg(root.join("data")).status().unwrap();
    assert!(own.success(), "cannot give Postfix its directory");
    let conf = conf.to_str().unwrap();
    let check = Command::new(program("postfix").unwrap()).args(["-c", conf, "check"]).output().unwrap();
    assert!(check.status.success(), "postfix check: {}", String::from_utf8_lossy(&check.stderr));
    Server::start(&Path::new(&daemons).join("master"), &["-c", conf], log)
}
