//! Dovecot and Postfix, from the distribution's packages: an instance of its own for each test that asks,
//! as an ordinary process tree on free loopback ports in a temporary directory. They end with the test
//! process, however that ends: a shell waits at a pipe for it.
//!
//! Where they are missing, or the tests do not run as root, a test is skipped with a loud line; with
//! `POSTIE_REQUIRE_ALL=1` (as in CI) it fails instead.

use super::authority::{Authority, Certificate};
use super::pop3d::{Mode, SECRET, USER};
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
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether all of `needs` are there. If not, says loudly that `test` is skipped, or fails it where
/// everything is required.
#[track_caller]
pub fn have(test: &str, needs: &[&str]) -> bool {
    let missing: Vec<&str> = needs.iter().copied().filter(|need| !is_there(need)).collect();
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join(", ");
    let required = std::env::var_os("POSTIE_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!required, "{test} needs {missing}, and POSTIE_REQUIRE_ALL=1 is set");
    // Not through the macros, whose output the test harness hides.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: missing here: {missing}");
    false
}

/// The same for what nobody installs only to test it: never required.
pub fn have_by_chance(test: &str, needs: &[&str]) -> bool {
    let missing: Vec<&str> = needs.iter().copied().filter(|need| !is_there(need)).collect();
    if !missing.is_empty() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: missing here: {}", missing.join(", "));
    }
    missing.is_empty()
}

/// The needs of a test that starts the servers.
pub const SERVERS: &[&str] = &["root", "dovecot", "dovecot-pop3d", "dovecot-lmtpd", "postfix"];

fn is_there(need: &str) -> bool {
    match need {
        "root" => rustix::process::geteuid().is_root(),
        "dovecot" => program("dovecot").is_some(),
        "postfix" => program("postfix").is_some() && program("postconf").is_some(),
        "dovecot-pop3d" => Path::new("/usr/lib/dovecot/pop3").exists(),
        "dovecot-lmtpd" => Path::new("/usr/lib/dovecot/lmtp").exists(),
        // Where it is forbidden (in most containers) it is as good as missing.
        "mount name space" => Command::new("unshare")
            .args(["--mount", "true"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success()),
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

/// A server process under the eyes of a shell, which ends it when its standard input ends.
struct Server {
    shell: Child,
    leash: Option<ChildStdin>,
}

impl Server {
    fn start(program: &Path, args: &[&str], log: &Path) -> Server {
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

/// Dovecot and Postfix, running.
pub struct Real {
    // Dropped in this order: Postfix delivers through Dovecot.
    _postfix: Server,
    _dovecot: Server,
    dir: tempfile::TempDir,
    ports: Ports,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    pop3: u16,
    pop3s: u16,
    lmtp: u16,
    auth: u16,
    smtp: u16,
    smtps: u16,
}

impl Real {
    /// Starts both, or skips the test.
    #[track_caller]
    pub fn start(test: &str) -> Option<Real> {
        have(test, SERVERS).then(Real::launch)
    }

    fn launch() -> Real {
        let dir = tempfile::Builder::new().prefix("postie-real-").tempdir().unwrap();
        let root = dir.path().to_owned();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        let [pop3, pop3s, lmtp, auth, smtp, smtps] = std::array::from_fn(|_| free_port());
        let ports = Ports { pop3, pop3s, lmtp, auth, smtp, smtps };
        let identity = Authority::shared().identity(Certificate::Good);
        fs::write(root.join("cert.pem"), identity.certificate_pem()).unwrap();
        fs::write(root.join("key.pem"), identity.key_pem()).unwrap();
        for part in ["run", "state", "mail", "queue", "data", "postfix"] {
            fs::create_dir(root.join(part)).unwrap();
            fs::set_permissions(root.join(part), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let log = root.join("output");
        let dovecot_conf = root.join("dovecot.conf");
        fs::write(&dovecot_conf, dovecot_conf_text(&root, ports)).unwrap();
        fs::write(root.join("users"), "").unwrap();
        let dovecot_args = ["-F", "-c", dovecot_conf.to_str().unwrap()];
        let dovecot = Server::start(&program("dovecot").unwrap(), &dovecot_args, &log);
        let postfix = start_postfix(&root, ports, &log);
        let real = Real { _postfix: postfix, _dovecot: dovecot, dir, ports };
        real.add_user(USER);
        for port in [pop3, pop3s, lmtp, auth, smtp, smtps] {
            real.wait_until(&format!("port {port}"), || {
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
            });
        }
        real
    }

    /// Makes a user with an empty mailbox, password [`SECRET`].
    pub fn add_user(&self, user: &str) {
        let home = self.dir.path().join("mail").join(user);
        fs::create_dir(&home).unwrap();
        for part in ["", "Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur"] {
            let part = home.join(part);
            if !part.exists() {
                fs::create_dir(&part).unwrap();
            }
            chown(&part, Some(MAIL_OWNER), Some(MAIL_OWNER)).unwrap();
        }
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
            let name = format!("1757{number:06}.M{number:06}P1.real");
            let path = self.maildir(user).join("new").join(name);
            fs::write(&path, message).unwrap();
            chown(&path, Some(MAIL_OWNER), Some(MAIL_OWNER)).unwrap();
        }
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
            // Nothing tells of the event: look again soon.
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

    /// The port of the POP3 side, with TLS from the start or without any.
    pub fn pop3_port(&self, tls: bool) -> u16 {
        if tls { self.ports.pop3s } else { self.ports.pop3 }
    }

    /// The URL of the POP3 side for `user`, implicit TLS.
    pub fn pop3_url(&self, user: &str) -> String {
        format!("pop3s://{user}@localhost:{}", self.ports.pop3s)
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

/// A port nobody has, below those that the system gives out by itself, and never the same twice in this
/// process.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + (std::process::id() % 1000) as u16 * 10;
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::SeqCst) % 2_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

fn dovecot_conf_text(root: &Path, ports: Ports) -> String {
    let root = root.display();
    let Ports { pop3, pop3s, lmtp, auth, .. } = ports;
    format!(
        "base_dir = {root}/run
state_dir = {root}/state
instance_name = postie-test
log_path = {root}/dovecot.log
protocols = pop3 lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{root}/cert.pem
ssl_key = <{root}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login apop cram-md5
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {root}/users
}}
userdb {{
  driver = passwd-file
  args = {root}/users
}}
first_valid_uid = {MAIL_OWNER}
mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = 100
pop3_no_flag_updates = yes
pop3_uidl_format = %g
auth_username_format = %Ln
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
  service_count = 0
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {auth}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"
    )
}

fn start_postfix(root: &Path, ports: Ports, log: &Path) -> Server {
    let postconf = Command::new(program("postconf").unwrap())
        .args(["-d", "-h", "daemon_directory", "mail_owner", "setgid_group"])
        .output()
        .unwrap();
    let settings = String::from_utf8_lossy(&postconf.stdout).into_owned();
    let mut settings = settings.lines().map(str::to_owned);
    let (daemons, owner) = (settings.next().unwrap(), settings.next().unwrap());
    let conf = root.join("postfix");
    fs::write(conf.join("main.cf"), main_cf(root, &daemons, ports)).unwrap();
    fs::write(conf.join("master.cf"), master_cf(ports)).unwrap();
    let own = Command::new("chown").arg(&owner).arg(root.join("data")).status().unwrap();
    assert!(own.success(), "cannot give Postfix its directory");
    let conf = conf.to_str().unwrap();
    let check = Command::new(program("postfix").unwrap()).args(["-c", conf, "check"]).output().unwrap();
    assert!(check.status.success(), "postfix check: {}", String::from_utf8_lossy(&check.stderr));
    Server::start(&Path::new(&daemons).join("master"), &["-c", conf], log)
}

fn main_cf(root: &Path, daemons: &str, ports: Ports) -> String {
    let root = root.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
maillog_file = {root}/postfix.log
maillog_file_prefixes = {root}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.test
mydestination =
mynetworks =
virtual_mailbox_domains = mail.test
virtual_mailbox_maps = inline:{{{{ana@mail.test=ana}},{{bob@mail.test=bob}}}}
virtual_transport = lmtp:inet:127.0.0.1:{}
default_transport = error:no way out of the test
relay_domains =
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_sasl_authenticated, reject
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{}
smtpd_sasl_security_options = noanonymous
smtpd_tls_security_level = may
smtpd_tls_cert_file = {root}/cert.pem
smtpd_tls_key_file = {root}/key.pem
smtpd_peername_lookup = no
smtpd_client_connection_rate_limit = 0
in_flow_delay = 0
message_size_limit = 20000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtputf8_enable = yes
alias_maps =
biff = no
",
        ports.lmtp, ports.auth
    )
}

fn master_cf(ports: Ports) -> String {
    format!(
        "127.0.0.1:{} inet n - n - 20 smtpd
127.0.0.1:{} inet n - n - 20 smtpd
  -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - 4 lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
",
        ports.smtp, ports.smtps
    )
}
