//! A temporary home for the binary: nothing of the real environment reaches it, and no run may show the
//! password.

use super::authority::Authority;
use super::leak;
use super::pop3d::{Mode, Pop3d, SECRET};
use super::process::{Outcome, Run};
use super::smtpd::Smtpd;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::ops::Deref;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The temporary home.
pub struct World {
    dir: tempfile::TempDir,
    program: PathBuf,
    first: Vec<String>,
}

impl World {
    /// A home with the authority's certificate (`ca.pem`) and the password (`secret`) in it.
    pub fn new(program: impl Into<PathBuf>) -> World {
        let dir = tempfile::Builder::new().prefix("postie-").tempdir().unwrap();
        let world = World { dir, program: program.into(), first: Vec::new() };
        fs::set_permissions(world.root(), fs::Permissions::from_mode(0o700)).unwrap();
        world.write("ca.pem", Authority::shared().pem());
        world.write("secret", format!("{SECRET}\n"));
        world
    }

    /// The same for a program that is postie when its first argument is `word`.
    pub fn behind(program: impl Into<PathBuf>, word: &str) -> World {
        World { first: vec![word.to_owned()], ..World::new(program) }
    }

    /// The home's directory.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The program under test.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// A path in it, as text.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes a file, mode 0600, and its directories.
    pub fn write(&self, name: &str, octets: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
        file.write_all(octets.as_ref()).unwrap();
        path
    }

    /// The options that make postie trust the authority; none without TLS, where they are refused.
    pub fn trust(&self, mode: Mode) -> Vec<String> {
        match mode {
            Mode::Plain => Vec::new(),
            Mode::Implicit | Mode::Upgrade => vec!["--ca-file".into(), self.text("ca.pem")],
        }
    }

    /// The configuration file postie finds by itself.
    pub fn config(&self, text: &str) -> PathBuf {
        self.write(".config/postie/config.toml", text)
    }

    /// Ana's account of that name, with a server of one kind (`pop3`, `smtp`) at this port; `more` goes on in
    /// the server's table.
    pub fn account(&self, name: &str, kind: &str, port: u16, more: &str) -> String {
        format!(
            "[accounts.{name}]\nemail = 'ana@example.org'\nname = 'Ana'\npassword-file = '{}'\n\
             [accounts.{name}.{kind}]\nhost = 'localhost'\nport = {port}\nusername = 'ana'\n{more}\n",
            self.text("secret")
        )
    }

    /// An account `a0`, `a1`, … for each server, with a Maildir `Mail0`, `Mail1`, … of its own.
    pub fn accounts(&self, servers: &[Pop3d]) {
        let account = |(at, server): (usize, &Pop3d)| {
            let maildir = format!("[accounts.a{at}.fetch]\nmaildir = '{}'", self.text(&format!("Mail{at}")));
            self.account(&format!("a{at}"), "pop3", server.port(), &maildir)
        };
        self.config(&servers.iter().enumerate().map(account).collect::<String>());
    }

    /// A run of postie, the home its home.
    pub fn postie<T: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = T>) -> Run {
        Run::new(&self.program)
            .args(&self.first)
            .args(args)
            .dir(self.root())
            .env("HOME", self.root())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            // Nobody answers there, so that no test asks the name servers of this machine.
            .env("POSTIE_DNS", "127.0.0.1:9")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("TMPDIR", self.root())
    }

    /// A run of a command against a server given by URL, with JSON output.
    pub fn at_url(&self, url: &str, command: &str) -> Run {
        self.at_url_within("1h", url, command)
    }

    /// The same with another `--timeout`.
    pub fn at_url_within(&self, timeout: &str, url: &str, command: &str) -> Run {
        let run = self.postie(["--json", "--timeout", timeout, "--server", url]);
        let run = run.arg("--password-file").arg(self.path("secret"));
        // Without TLS an authority has no effect, and is refused.
        let run = match url.contains("+insecure") {
            true => run,
            false => run.arg("--ca-file").arg(self.path("ca.pem")),
        };
        run.arg(command)
    }

    /// A run of a command against an embedded POP3 server.
    pub fn pop3(&self, server: &Pop3d, command: &str) -> Run {
        self.at_url(&server.url(), command).victim(server.victim())
    }

    /// `fetch` into the Maildir `Mail`.
    pub fn fetch(&self, server: &Pop3d) -> Run {
        self.pop3(server, "fetch").arg("--maildir").arg(self.path("Mail"))
    }

    /// `fetch` into the Maildir `Mail`, with another `--timeout`.
    pub fn fetch_within(&self, timeout: &str, server: &Pop3d) -> Run {
        let run = self.at_url_within(timeout, &server.url(), "fetch").victim(server.victim());
        run.arg("--maildir").arg(self.path("Mail"))
    }

    /// `fetch` into the mbox `mbox`.
    pub fn fetch_mbox(&self, server: &Pop3d) -> Run {
        self.pop3(server, "fetch").arg("--mbox").arg(self.path("mbox"))
    }

    /// `send` through an embedded SMTP server, from Ana.
    pub fn send(&self, server: &Smtpd) -> Run {
        self.at_url(&server.url(), "send").args(["--from", "ana@example.org"]).victim(server.victim())
    }

    /// The messages of the Maildir `Mail`.
    #[track_caller]
    pub fn mail(&self) -> Vec<Vec<u8>> {
        super::disk::maildir_if_any(&self.path("Mail"))
    }

    /// Every path below the home, directories too, sorted.
    pub fn tree(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut ahead = vec![self.root().to_owned()];
        while let Some(dir) = ahead.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if fs::symlink_metadata(&path).unwrap().is_dir() {
                    ahead.push(path.clone());
                }
                found.push(path);
            }
        }
        found.sort();
        found
    }

    /// Everything that postie has stored, to check whether the password is in it.
    pub fn assert_no_secret_on_disk(&self) {
        let own = [self.path("secret")];
        for path in self.tree().into_iter().filter(|path| !own.contains(path)) {
            if fs::symlink_metadata(&path).unwrap().is_file() {
                leak::assert_absent(&fs::read(&path).unwrap(), SECRET, &path.display().to_string());
            }
        }
    }
}

impl Run {
    /// Runs postie. Besides the checks of [`Run::run`]: no panic, and no password in the output.
    #[track_caller]
    pub fn go(self) -> Checked {
        let outcome = self.run();
        leak::assert_absent(&outcome.stdout, SECRET, "stdout");
        leak::assert_absent(&outcome.stderr, SECRET, "stderr");
        let err = outcome.err();
        assert!(!err.contains("panicked at"), "a panic:\n{err}");
        assert!(
            !outcome.stderr.iter().any(|octet| matches!(octet, 0x1b | 0x07 | 0x00)),
            "control characters on stderr: {err:?}"
        );
        Checked(outcome)
    }
}

/// The outcome of a run that showed no password and did not panic.
#[derive(Debug)]
pub struct Checked(Outcome);

impl Deref for Checked {
    type Target = Outcome;

    fn deref(&self) -> &Outcome {
        &self.0
    }
}
