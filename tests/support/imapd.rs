//! A small, strict IMAP server over loopback (`RFC 3501` and the extensions that a fetching client uses),
//! over folders in memory. It records what a correct client would not do. A hook, faults of single messages
//! and quirks of the whole server let a test misbehave anywhere.

mod change;
mod command;
mod fetch;
mod folders;
mod idle;
mod login;
pub mod quirks;
mod reading;
mod row;
mod saying;
mod search;
mod session;
mod sets;
pub mod store;
mod view;

use super::authority::{Authority, Certificate, Versions};
use super::embedded::Listener;
use super::peer::End;
use super::pop3d::{Act, Mode, SECRET, USER};
use quirks::{Fault, Quirk};
use session::Session;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use store::ImapStore;

/// A command as a hook sees it.
#[derive(Debug)]
pub struct Event<'a> {
    /// The connection, from 0.
    pub connection: usize,
    /// The command's tag.
    pub tag: &'a str,
    /// Its name in capitals, such as `UID FETCH`; empty for the greeting, `{` where a literal is asked for.
    pub verb: &'a str,
    /// The whole command, less its tag; of a literal only its announcement.
    pub line: &'a str,
    /// Whether TLS is up.
    pub tls: bool,
    /// Whether more was sent together with it, before its answer could be read.
    pub more: bool,
}

impl Event<'_> {
    /// These lines, of which the last is the command's tagged answer.
    pub fn answer(&self, lines: &str) -> Act {
        let (untagged, tagged) = match lines.rsplit_once('\n') {
            Some((untagged, tagged)) => (format!("{}\r\n", untagged.replace('\n', "\r\n")), tagged),
            None => (String::new(), lines),
        };
        Act::Reply(format!("{untagged}{} {tagged}\r\n", self.tag).into_bytes())
    }

    /// `* BYE`, and the end.
    pub fn bye(&self, text: &str) -> Act {
        Act::Then(format!("* BYE {text}\r\n").into_bytes(), End::Close)
    }
}

/// Mistakes of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Something that is no command, or not written as one.
    Syntax,
    /// A command at the wrong time.
    State,
    /// An extension that is not announced.
    Unannounced,
    /// A command sent before the response that it depends on.
    Pipelined,
    /// A sequence number where it may mean another message.
    Numbers,
    /// Other clients' messages expunged, or in danger of it.
    Expunge,
    /// `\Seen` set by fetching.
    Seen,
    /// Flags changed that are not the client's to change.
    Flags,
    /// A secret in clear.
    Secret,
    /// Octets in APPEND that no message may have.
    Content,
}

type Hook = dyn Fn(&Event<'_>) -> Act + Send + Sync;

/// An IMAP server about to start.
pub struct Setup {
    store: ImapStore,
    mode: Mode,
    certificate: Certificate,
    versions: Versions,
    before: Vec<String>,
    after: Vec<String>,
    says_capabilities: bool,
    greeting: String,
    line_limit: usize,
    namespace: String,
    hook: Box<Hook>,
    quirks: Vec<Quirk>,
    faults: Vec<Planted>,
}

/// A fault and where it is.
struct Planted {
    folder: Option<String>,
    uid: Option<u32>,
    fault: Fault,
    left: usize,
}

/// What the connections of a server share.
#[derive(Default)]
struct Shared {
    quirks: Mutex<Vec<Quirk>>,
    faults: Mutex<Vec<Planted>>,
    heard: Mutex<Vec<String>>,
    sent: Mutex<Vec<(usize, usize)>>,
}

impl Shared {
    /// The faults of a message; those that are there for a time are used up by it. Asked for is its body, or at least
    /// a part of its content.
    fn faults_of(&self, folder: &[u8], uid: u32, (body, part): (bool, bool)) -> Vec<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let here = |one: &&mut Planted| {
            one.left > 0
                && (body || !one.fault.is_of_body() || part && one.fault.is_beside())
                && one.uid.is_none_or(|wanted| wanted == uid)
                && one.folder.as_ref().is_none_or(|wanted| wanted.as_bytes() == folder)
        };
        let found = faults.iter_mut().filter(here).map(|one| {
            one.left -= 1;
            one.fault.clone()
        });
        found.collect()
    }
}

/// A running IMAP server.
pub struct Imapd {
    listener: Listener,
    mode: Mode,
    shared: Arc<Shared>,
    store: ImapStore,
}

impl Deref for Imapd {
    type Target = Listener;

    fn deref(&self) -> &Listener {
        &self.listener
    }
}

/// What a good server announces before login; STARTTLS and LOGINDISABLED come and go by themselves.
const BEFORE: &str = "IMAP4rev1 SASL-IR LITERAL+ ID AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5";

/// What a good server announces after login.
const AFTER: &str = "IMAP4rev1 SASL-IR LITERAL+ ID IDLE NAMESPACE UIDPLUS MOVE UNSELECT ESEARCH LIST-EXTENDED \
                     LIST-STATUS SPECIAL-USE";

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

impl Imapd {
    /// A good server for an account, about to start.
    pub fn for_store(store: &ImapStore) -> Setup {
        Setup {
            store: store.clone(),
            mode: Mode::Implicit,
            certificate: Certificate::Good,
            versions: Versions::Modern,
            before: words(BEFORE),
            after: words(AFTER),
            says_capabilities: true,
            greeting: "* OK [CAPABILITY] ready\r\n".into(),
            line_limit: 8192,
            namespace: r#"(("" "/")) NIL NIL"#.into(),
            hook: Box::new(|_| Act::Normal),
            quirks: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// The `--server` URL.
    pub fn url(&self) -> String {
        let scheme = match self.mode {
            Mode::Implicit => "imaps",
            Mode::Upgrade => "imap",
            Mode::Plain => "imap+insecure",
        };
        format!("{scheme}://{USER}@localhost:{}", self.port())
    }

    /// The folders it serves.
    pub fn store(&self) -> &ImapStore {
        &self.store
    }

    /// From now on it is a good server.
    pub fn heal(&self) {
        self.shared.quirks.lock().unwrap().clear();
        self.shared.faults.lock().unwrap().clear();
    }

    /// From now on it has one more quirk.
    pub fn add_quirk(&self, quirk: Quirk) {
        self.shared.quirks.lock().unwrap().push(quirk);
    }

    /// From now on a message has one more fault.
    pub fn add_fault(&self, uid: u32, fault: Fault) {
        let planted = Planted { folder: None, uid: Some(uid), fault, left: usize::MAX };
        self.shared.faults.lock().unwrap().push(planted);
    }

    /// All commands, less their tags, in the order in which they came, once all connections have ended.
    pub fn commands(&self) -> Vec<String> {
        self.journals();
        self.shared.heard.lock().unwrap().clone()
    }

    /// The commands that begin so.
    pub fn commands_with(&self, start: &str) -> Vec<String> {
        let begins = |line: &String| {
            line.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
                && matches!(line.as_bytes().get(start.len()), None | Some(b' '))
        };
        self.commands().into_iter().filter(begins).collect()
    }

    /// The mistakes of the clients, once all connections have ended.
    pub fn violations(&self) -> Vec<String> {
        self.journals().into_iter().flat_map(|journal| journal.violations).collect()
    }

    /// Forgets the commands heard so far.
    pub fn forget_commands(&self) {
        self.journals();
        self.shared.heard.lock().unwrap().clear();
    }

    /// How many octets the server has sent on each connection, once all have ended.
    pub fn sent(&self) -> Vec<usize> {
        self.journals();
        let mut sent = self.shared.sent.lock().unwrap().clone();
        sent.sort_unstable();
        sent.into_iter().map(|(_, octets)| octets).collect()
    }
}

impl Setup {
    super::embedded::server_options!();

    /// It neither announces nor knows a capability.
    pub fn without(mut self, capability: &str) -> Setup {
        self.before.retain(|has| has != capability);
        self.after.retain(|has| has != capability);
        self
    }

    /// It announces one more; mechanisms before login, all others after it.
    pub fn with(mut self, capability: &str) -> Setup {
        let list = if capability.starts_with("AUTH=") { &mut self.before } else { &mut self.after };
        list.push(capability.to_owned());
        self
    }

    /// It announces these before login.
    pub fn before_login(mut self, capabilities: &str) -> Setup {
        self.before = words(capabilities);
        self
    }

    /// It announces these after login.
    pub fn after_login(mut self, capabilities: &str) -> Setup {
        self.after = words(capabilities);
        self
    }

    /// It sends its capabilities only when asked.
    pub fn silent(mut self) -> Setup {
        self.says_capabilities = false;
        self
    }

    /// Its greeting, with its line end. `[CAPABILITY]` becomes what it announces; PREAUTH is a login.
    pub fn greeting(mut self, greeting: &str) -> Setup {
        self.greeting = greeting.to_owned();
        self
    }

    /// A line of more octets, line end included, is a violation.
    pub fn line_limit(mut self, octets: usize) -> Setup {
        self.line_limit = octets;
        self
    }

    /// Its answer to NAMESPACE.
    pub fn namespace(mut self, namespace: &str) -> Setup {
        self.namespace = namespace.to_owned();
        self
    }

    /// It has a quirk.
    pub fn quirk(mut self, quirk: Quirk) -> Setup {
        self.quirks.push(quirk);
        self
    }

    /// The messages with this UID, in any folder, have a fault.
    pub fn fault(self, uid: u32, fault: Fault) -> Setup {
        self.fault_times(usize::MAX, uid, fault)
    }

    /// The same, but only the first so many times that the message is asked for.
    pub fn fault_times(mut self, times: usize, uid: u32, fault: Fault) -> Setup {
        self.faults.push(Planted { folder: None, uid: Some(uid), fault, left: times });
        self
    }

    /// A message of one folder has a fault.
    pub fn fault_in(mut self, folder: &str, uid: u32, fault: Fault) -> Setup {
        self.faults.push(Planted {
            folder: Some(folder.to_owned()),
            uid: Some(uid),
            fault,
            left: usize::MAX,
        });
        self
    }

    /// Every message has a fault.
    pub fn fault_everywhere(mut self, fault: Fault) -> Setup {
        self.faults.push(Planted { folder: None, uid: None, fault, left: usize::MAX });
        self
    }

    /// Starts it, guarded against the password in clear unless TLS is off.
    pub fn start(self) -> Imapd {
        self.start_at(0)
    }

    /// The same at a port that another server has just left, as one account's next server.
    pub fn start_at(mut self, port: u16) -> Imapd {
        let (mode, store) = (self.mode, self.store.clone());
        let acceptor = Authority::shared().identity(self.certificate).acceptor(self.versions);
        let shared = Arc::new(Shared {
            quirks: Mutex::new(std::mem::take(&mut self.quirks)),
            faults: Mutex::new(std::mem::take(&mut self.faults)),
            ..Shared::default()
        });
        let (setup, common) = (self, Arc::clone(&shared));
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let mut listener = Listener::on(socket, move |peer, connection| {
            // A connection that ends in the middle leaves what its commands had done; the journal has them.
            let _ = Session::new(&setup, &common, &acceptor, (peer, connection)).run();
        });
        if mode != Mode::Plain {
            listener.guard(SECRET);
        }
        Imapd { listener, mode, shared, store }
    }
}
