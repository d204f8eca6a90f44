//! Times `postie fetch` and the other installed fetchers, against a Dovecot of its own on loopback.
//! How to run it and how to read it: `benches/README.md`.
//!
//! All programs take the same mailbox in the same run, one after the other, in another order each round,
//! so that a busy minute of the machine hits all of them. What they stored is counted, and for postie
//! compared octet by octet: a time without the mail to show for it is worth nothing.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has failed, and its output is what it is for"
)]

#[path = "shared/lag.rs"]
mod lag;
mod shared;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, reason = "the integration tests use the other parts")]
mod support;

use lag::lag;
use shared::{Took, median, report, time};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use support::authority::Authority;
use support::pop3d::{SECRET, USER};
use support::real::{Real, program};
use support::{disk, mailbox};

/// What to measure.
struct Options {
    messages: usize,
    octets: usize,
    rounds: usize,
    tls: bool,
    imap: bool,
    /// How long a round trip takes.
    rtt: Duration,
    /// Folders beside the inbox, for a run that finds nothing new in any.
    folders: usize,
    dir: PathBuf,
}

impl Options {
    fn read() -> Options {
        let mut options = Options {
            messages: 2000,
            octets: 4096,
            rounds: 5,
            tls: false,
            imap: false,
            rtt: Duration::ZERO,
            folders: 0,
            dir: std::env::temp_dir(),
        };
        let mut args = std::env::args().skip(1);
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).expect("a number");
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--messages" => options.messages = number(args.next()),
                "--octets" => options.octets = number(args.next()),
                "--rounds" => options.rounds = number(args.next()),
                "--tls" => options.tls = true,
                "--imap" => options.imap = true,
                "--rtt" => options.rtt = Duration::from_millis(number(args.next()) as u64),
                "--folders" => options.folders = number(args.next()),
                "--dir" => options.dir = args.next().expect("a directory").into(),
                // Given by cargo itself.
                "--bench" => {}
                other => {
                    panic!(
                        "{other}: the options are --messages, --octets, --rounds, --tls, --imap, --rtt, --folders, --dir"
                    )
                }
            }
        }
        options
    }
}

/// Where the server is, and the mailbox on it.
struct Target {
    port: u16,
    tls: bool,
    imap: bool,
    ca: PathBuf,
    messages: Vec<Vec<u8>>,
}

/// A program that is measured. `fetch` makes its command: a directory for its state, and where mail goes.
struct Peer {
    name: &'static str,
    /// The program it needs.
    needs: &'static str,
    /// Whether a second run takes only what is new.
    remembers: bool,
    /// Whether mail goes to one file.
    one_file: bool,
    fetch: fn(&Target, &Path, &Path) -> Command,
}

impl Peer {
    /// Which exit codes are good: fetchmail ends with 1 where there is no new mail, and nobody else does.
    fn fine(&self) -> fn(Option<i32>) -> bool {
        if self.needs == "fetchmail" { |code| matches!(code, Some(0 | 1)) } else { succeeded }
    }
}

/// Those that fetch by POP3.
const PEERS: [Peer; 5] = [
    Peer { name: "postie", needs: "", remembers: true, one_file: false, fetch: postie },
    Peer { name: "postie, mbox", needs: "", remembers: true, one_file: true, fetch: postie_mbox },
    Peer { name: "mpop", needs: "mpop", remembers: true, one_file: false, fetch: mpop },
    Peer {
        name: "fetchmail, one file",
        needs: "fetchmail",
        remembers: true,
        one_file: true,
        fetch: fetchmail,
    },
    Peer { name: "curl", needs: "curl", remembers: false, one_file: false, fetch: curl },
];

/// Those that fetch by IMAP.
const IMAP_PEERS: [Peer; 5] = [
    Peer { name: "postie", needs: "", remembers: true, one_file: false, fetch: postie },
    Peer { name: "postie, mbox", needs: "", remembers: true, one_file: true, fetch: postie_mbox },
    Peer { name: "mbsync", needs: "mbsync", remembers: true, one_file: false, fetch: mbsync },
    Peer {
        name: "mbsync, no fsync",
        needs: "mbsync",
        remembers: true,
        one_file: false,
        fetch: mbsync_unsynced,
    },
    Peer { name: "curl", needs: "curl", remembers: false, one_file: false, fetch: curl },
];

fn mbsync(target: &Target, state: &Path, to: &Path) -> Command {
    mbsync_with(target, state, to, "yes")
}

fn mbsync_unsynced(target: &Target, state: &Path, to: &Path) -> Command {
    mbsync_with(target, state, to, "no")
}

fn mbsync_with(target: &Target, state: &Path, to: &Path, fsync: &str) -> Command {
    make_maildir(to);
    let tls = match target.tls {
        true => format!("SSLType IMAPS\nCertificateFile {}", target.ca.display()),
        false => "SSLType None".to_owned(),
    };
    // Compression costs more than it saves on loopback.
    let text = format!(
        "FSync {fsync}\nSyncState {0}/\nIMAPAccount a\nHost localhost\nPort {1}\nUser {USER}\nPass {SECRET}\n\
         AuthMechs PLAIN\nDisableExtension COMPRESS=DEFLATE\n{tls}\n\nIMAPStore r\nAccount a\n\nMaildirStore l\n\
         Inbox {2}\n\nChannel c\nFar :r:INBOX\nNear :l:INBOX\nSync Pull New\n",
        state.display(),
        target.port,
        to.display()
    );
    let mut command = Command::new(program("mbsync").unwrap());
    command.arg("-q").arg("-c").arg(configuration(state, &text)).arg("c").env("HOME", state);
    command
}

fn postie(target: &Target, state: &Path, to: &Path) -> Command {
    make_maildir(to);
    postie_to(target, state, "--maildir", to)
}

fn postie_mbox(target: &Target, state: &Path, to: &Path) -> Command {
    postie_to(target, state, "--mbox", to)
}

fn postie_to(target: &Target, state: &Path, kind: &str, to: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postie"));
    let protocol = if target.imap { "imap" } else { "pop3" };
    let scheme = format!("{protocol}{}", if target.tls { "s" } else { "+insecure" });
    command.args(["fetch", "-q", "--keep", "--password-env", "BENCH_SECRET"]);
    command.args(["--server", &format!("{scheme}://{USER}@localhost:{}", target.port), kind]).arg(to);
    if target.tls {
        command.arg("--ca-file").arg(&target.ca);
    }
    command.env("BENCH_SECRET", SECRET).env("HOME", state).env("XDG_STATE_HOME", state);
    command.env("XDG_CONFIG_HOME", state);
    command
}

/// Makes folders with a message in each.
fn make_folders(target: &Target, count: usize) {
    let mut link = TcpStream::connect(("127.0.0.1", target.port)).unwrap();
    let mut input = BufReader::new(link.try_clone().unwrap());
    let message = &target.messages[0];
    let mut say = |text: &[u8], ends: &str| {
        link.write_all(text).unwrap();
        let mut line = String::new();
        while !line.starts_with(ends) {
            line.clear();
            assert!(input.read_line(&mut line).unwrap() > 0, "the server ended the connection");
        }
    };
    say(format!("1 LOGIN {USER} {SECRET}\r\n").as_bytes(), "1 OK");
    for folder in 1..=count {
        say(format!("2 CREATE F{folder}\r\n").as_bytes(), "2 OK");
        say(format!("3 APPEND F{folder} {{{}}}\r\n", message.len()).as_bytes(), "+");
        say(&[&message[..], b"\r\n"].concat(), "3 OK");
    }
}

/// Runs that find nothing new in any folder.
fn nothing_new_anywhere(target: &Target, options: &Options, work: &Path) {
    let (state, to) = (work.join("state-folders"), work.join("mail-folders"));
    fs::create_dir(&state).unwrap();
    let run = || {
        let mut command = postie(target, &state, &to);
        time(
            {
                command.arg("--all-folders");
                command
            },
            succeeded,
        )
    };
    run();
    let stored = disk::maildir(&to).len();
    // What was not there at the start has no numbers yet that could be compared.
    run();
    let took: Vec<Took> = (0..options.rounds).map(|_| run()).collect();
    assert_eq!(disk::maildir(&to).len(), stored, "nothing is fetched twice");
    let mut times: Vec<Duration> = took.iter().map(|took| took.time).collect();
    let middle = median(&mut times);
    report(&format!("Nothing new in {} folders", options.folders + 1), None, vec![("postie", took)]);
    if !options.rtt.is_zero() {
        println!("{:.1} round trips", middle / options.rtt.as_secs_f64());
    }
}

fn mpop(target: &Target, state: &Path, to: &Path) -> Command {
    make_maildir(to);
    let tls = match target.tls {
        true => format!("tls on\ntls_starttls off\ntls_trust_file {}\n", target.ca.display()),
        false => "tls off\n".to_owned(),
    };
    let text = format!(
        "account default\nhost localhost\nport {}\nuser {USER}\npassword {SECRET}\nauth user\nkeep on\n\
         delivery maildir {}\nuidls_file {}/uidls\nreceived_header off\npipelining auto\n{tls}",
        target.port,
        to.display(),
        state.display()
    );
    let mut command = Command::new(program("mpop").unwrap());
    command.arg("-q").arg("-C").arg(configuration(state, &text));
    command
}

fn fetchmail(target: &Target, state: &Path, to: &Path) -> Command {
    let tls = match target.tls {
        true => format!("ssl sslcertck sslcertfile \"{}\"", target.ca.display()),
        false => "sslproto ''".to_owned(),
    };
    let text = format!(
        "set idfile \"{0}/ids\"\nset invisible\npoll localhost protocol POP3 port {1} uidl timeout 300\n\
         user \"{USER}\" password \"{SECRET}\" is \"root\" here keep no rewrite bsmtp \"{2}\" {tls}\n",
        state.display(),
        target.port,
        to.display()
    );
    let mut command = Command::new(program("fetchmail").unwrap());
    command.arg("-f").arg(configuration(state, &text)).arg("--pidfile").arg(state.join("pid"));
    command.args(["--nosyslog", "-s"]).env("FETCHMAILHOME", state).env("HOME", state);
    command
}

fn curl(target: &Target, _: &Path, to: &Path) -> Command {
    fs::create_dir_all(to).unwrap();
    let protocol = if target.imap { "imap" } else { "pop3" };
    let scheme = format!("{protocol}{}", if target.tls { "s" } else { "" });
    let messages = if target.imap { "INBOX;UID=" } else { "" };
    let mut command = Command::new(program("curl").unwrap());
    command.args(["-sS", "-u", &format!("{USER}:{SECRET}"), "--login-options", "AUTH=PLAIN"]);
    command.args(["--sasl-ir", "--cacert"]).arg(&target.ca);
    command.arg(format!("{scheme}://localhost:{}/{messages}[1-{}]", target.port, target.messages.len()));
    command.arg("-o").arg(format!("{}/#1", to.display()));
    command
}

fn configuration(state: &Path, text: &str) -> PathBuf {
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = state.join("rc");
    let mut file =
        fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    path
}

fn make_maildir(to: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    for part in ["tmp", "new", "cur"] {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(to.join(part)).unwrap();
    }
}

fn succeeded(code: Option<i32>) -> bool {
    code == Some(0)
}

/// The floor: all of it asked for at once and thrown away. No fetcher can be faster against this server.
fn drain(target: &Target) -> Duration {
    match target.imap {
        true => drain_imap(target),
        false => drain_pop3(target),
    }
}

/// All in one command, behind the greeting.
fn drain_imap(target: &Target) -> Duration {
    let begun = Instant::now();
    let mut link = TcpStream::connect(("127.0.0.1", target.port)).unwrap();
    link.set_nodelay(true).unwrap();
    let mut input = BufReader::with_capacity(1 << 18, link.try_clone().unwrap());
    let mut line = String::new();
    input.read_line(&mut line).unwrap();
    let flight = format!(
        "1 LOGIN {USER} {SECRET}\r\n2 EXAMINE INBOX\r\n3 UID FETCH 1:* (UID BODY.PEEK[])\r\n4 LOGOUT\r\n"
    );
    link.write_all(flight.as_bytes()).unwrap();
    let (mut messages, mut octets) = (0, Vec::new());
    loop {
        line.clear();
        if input.read_line(&mut line).unwrap() == 0 {
            break;
        }
        let announced = line.trim_end().strip_suffix('}').and_then(|line| line.rsplit_once('{'));
        if let Some((_, size)) = announced {
            octets.resize(size.parse().unwrap(), 0);
            input.read_exact(&mut octets).unwrap();
            messages += 1;
        }
    }
    assert_eq!(messages, target.messages.len(), "messages that came");
    begun.elapsed()
}

fn drain_pop3(target: &Target) -> Duration {
    let begun = Instant::now();
    let mut link = TcpStream::connect(("127.0.0.1", target.port)).unwrap();
    link.set_nodelay(true).unwrap();
    let count = target.messages.len();
    let mut flight = format!("USER {USER}\r\nPASS {SECRET}\r\n");
    (1..=count).for_each(|number| flight.push_str(&format!("RETR {number}\r\n")));
    flight.push_str("QUIT\r\n");
    let mut input = BufReader::with_capacity(1 << 18, link.try_clone().unwrap());
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line).unwrap();
    let sender = std::thread::spawn(move || link.write_all(flight.as_bytes()).unwrap());
    let (mut ends, mut octets, mut window) = (0, vec![0; 1 << 18], [0; 5]);
    while let Ok(got @ 1..) = input.read(&mut octets) {
        for octet in &octets[..got] {
            window.rotate_left(1);
            window[4] = *octet;
            ends += usize::from(window == *b"\r\n.\r\n");
        }
    }
    sender.join().unwrap();
    assert_eq!(ends, count, "messages that came");
    begun.elapsed()
}

/// What a peer stored is all of it.
fn check(peer: &Peer, target: &Target, to: &Path) {
    if peer.one_file {
        let stored = fs::metadata(to).unwrap().len();
        let sent: usize = target.messages.iter().map(Vec::len).sum();
        assert!(stored > sent as u64 / 2, "{}: {stored} octets stored of {sent}", peer.name);
    } else if peer.name == "postie" {
        let wanted: Vec<_> = target.messages.iter().map(|message| mailbox::stored(message)).collect();
        disk::assert_same(&disk::sorted(disk::maildir(to)), &disk::sorted(wanted));
    } else {
        let dir = if to.join("new").exists() { to.join("new") } else { to.to_owned() };
        assert_eq!(disk::names(&dir).len(), target.messages.len(), "{}", peer.name);
    }
}

fn main() {
    let options = Options::read();
    let what = "the fetch benchmark";
    let real = if options.imap { Real::start_imap(what, "") } else { Real::start(what) };
    let Some(real) = real else { return };
    let work = tempfile::Builder::new().prefix("postie-bench-").tempdir_in(&options.dir).unwrap();
    let ca = work.path().join("ca.pem");
    fs::write(&ca, Authority::shared().pem()).unwrap();
    let messages: Vec<Vec<u8>> =
        (1..=options.messages).map(|number| mailbox::message_of(number, options.octets)).collect();
    real.fill(USER, &messages);
    let port = |tls| {
        let port = if options.imap { real.imap_port_with(tls) } else { real.pop3_port(tls) };
        if options.rtt.is_zero() { port } else { lag(port, options.rtt) }
    };
    let (tls, imap) = (options.tls, options.imap);
    let target = Target { port: port(tls), tls, imap, ca, messages };
    let all = if imap { &IMAP_PEERS } else { &PEERS };
    let peers: Vec<&Peer> =
        all.iter().filter(|peer| peer.needs.is_empty() || program(peer.needs).is_some()).collect();
    // The server reads its mailbox for the first time; nobody should pay for that.
    let plain =
        Target { port: port(false), imap, messages: target.messages.clone(), ca: PathBuf::new(), tls: false };
    drain(&plain);
    let (mut floors, mut first, mut again) = (Vec::new(), Vec::new(), Vec::new());
    peers.iter().for_each(|peer| first.push((peer.name, Vec::new())));
    peers.iter().for_each(|peer| again.push((peer.name, Vec::new())));
    for round in 0..options.rounds {
        floors.push(drain(&plain));
        for turn in 0..peers.len() {
            let which = (turn + round) % peers.len();
            let peer = peers[which];
            let state = work.path().join(format!("state-{which}-{round}"));
            let to = work.path().join(format!("mail-{which}-{round}"));
            fs::create_dir(&state).unwrap();
            first[which].1.push(time((peer.fetch)(&target, &state, &to), peer.fine()));
            check(peer, &target, &to);
            if peer.remembers {
                again[which].1.push(time((peer.fetch)(&target, &state, &to), peer.fine()));
                check(peer, &target, &to);
            }
        }
    }
    again.retain(|row| !row.1.is_empty());
    let floor = median(&mut floors);
    println!(
        "{} messages of {} octets{}{}, {} rounds; the floor (fetched in clear, thrown away): {floor:.3} s",
        options.messages,
        options.octets,
        if options.tls { ", TLS" } else { "" },
        if options.rtt.is_zero() { String::new() } else { format!(", a round trip of {:?}", options.rtt) },
        options.rounds
    );
    report("The first fetch", Some(floor), first);
    report("A second one, nothing new", None, again);
    if imap && options.folders > 0 {
        make_folders(&plain, options.folders);
        nothing_new_anywhere(&target, &options, work.path());
    }
}
