//! What is swept: a destination, a policy and a past; and the stage on which one point of it is played.

use crate::cut::CutWire;
use crate::support::mailbox::{Mailbox, Stored, message, message_of, stored};
use crate::support::pop3d::{Mode, Pop3d, Setup};
use crate::support::process::Run;
use crate::support::world::World;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// Where messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    Maildir,
    Mbox,
    /// An mbox that gets a message so large that it is not staged in memory.
    Streamed,
    Exec,
}

/// What becomes of them on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    Keep,
    Delete,
    /// `--delete-after 0s`.
    AtOnce,
    /// `--delete-after 1h`.
    Later,
}

/// What happened before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// Nothing: neither ledger nor destination is there.
    None,
    /// Some of the messages were fetched and kept; an mbox has mail of another program in it.
    Known,
    /// The same, and the ledger is one of the first format.
    FirstFormat,
    /// The same, from another port: the ledger is that of another server.
    OtherPort,
}

/// What is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    pub to: Destination,
    pub after: After,
    pub past: Past,
}

impl After {
    pub const ALL: [After; 4] = [After::Keep, After::Delete, After::AtOnce, After::Later];

    /// Whether nothing is left on the server in the end.
    pub fn empties(self) -> bool {
        matches!(self, After::Delete | After::AtOnce)
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            After::Keep => &["--keep"],
            After::Delete => &["--delete"],
            After::AtOnce => &["--delete-after", "0s"],
            After::Later => &["--delete-after", "1h"],
        }
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let past = match self.past {
            Past::None => "",
            Past::Known => ", some known",
            Past::FirstFormat => ", some known to a ledger of the first format",
            Past::OtherPort => ", some known from another port",
        };
        write!(f, "{:?} {}{past}", self.to, self.after.options().join(" "))
    }
}

/// Takes a message from standard input: whole under its key, or not at all; durable when it returns.
const TAKE: &str = "part=\"$OUT/part.$$\"; cat >\"$part\" && sync \"$part\" && \
     mv \"$part\" \"$OUT/$POSTIE_KEY.$$\" && sync \"$OUT\"";

/// The mail of another program that an mbox begins with. No blank line ends it.
pub const FOREIGN: &[u8] = b"From other@example.org Mon Sep  1 10:00:00 2025\nSubject: foreign\n\nnot ours\n";

/// One point's world, mailbox and server.
pub struct Stage {
    pub scene: Scene,
    pub world: World,
    pub mailbox: Mailbox,
    /// All that ever was in the mailbox.
    pub all: Vec<Stored>,
    pub server: Pop3d,
    /// What is between postie and the server, if anything is.
    pub wire: Option<CutWire>,
    /// Where destination and state are.
    pub root: PathBuf,
}

impl Scene {
    pub fn new(to: Destination, after: After, past: Past) -> Scene {
        Scene { to, after, past }
    }

    /// The scenes of a destination with nothing before, one for each policy.
    pub fn fresh(to: Destination) -> Vec<Scene> {
        After::ALL.map(|after| Scene::new(to, after, Past::None)).to_vec()
    }

    /// A stage in a scratch home.
    pub fn stage(self) -> Stage {
        self.stage_with(|setup| setup, None)
    }

    /// A stage with a server of its own kind, its files under `root` if there is one.
    pub fn stage_with(self, dress: impl FnOnce(Setup) -> Setup, root: Option<&Path>) -> Stage {
        self.stage_of(self.messages(), self.empty(dress, root))
    }

    /// A stage with small messages alone, behind a wire: every octet of a session is a point.
    pub fn small_stage(self, dress: impl FnOnce(Setup) -> Setup) -> Stage {
        let mut messages = self.messages();
        messages.iter_mut().filter(|wire| wire.len() > 500).for_each(|wire| *wire = message(wire.len()));
        let mut stage = self.empty(dress, None);
        stage.wire = Some(CutWire::to(stage.server.port()));
        self.stage_of(messages, stage)
    }

    /// A stage without a past or a message.
    fn empty(self, dress: impl FnOnce(Setup) -> Setup, root: Option<&Path>) -> Stage {
        let (mailbox, world) = (Mailbox::default(), scratch());
        let server = dress(Pop3d::for_mailbox(&mailbox).mode(Mode::Plain)).start();
        let root = root.map_or(world.root(), |root| root).to_owned();
        Stage { scene: self, world, mailbox, all: Vec::new(), server, wire: None, root }
    }

    fn stage_of(self, mut messages: Vec<Vec<u8>>, mut stage: Stage) -> Stage {
        fs::create_dir_all(stage.out()).unwrap();
        if self.past != Past::None {
            let later = messages.split_off(messages.len() / 2);
            messages.iter().for_each(|wire| stage.mailbox.add(wire));
            if stage.is_mbox() {
                stage.put_foreign();
            }
            let keep = Scene { after: After::Keep, ..self };
            stage.fetch_within("20s", keep).go().assert_exit(0);
            match self.past {
                Past::FirstFormat => stage.make_first_format(),
                Past::OtherPort => {
                    stage.server = Pop3d::for_mailbox(&stage.mailbox).mode(Mode::Plain).start();
                }
                Past::None | Past::Known => {}
            }
            messages = later;
        }
        messages.iter().for_each(|wire| stage.mailbox.add(wire));
        stage.all = stage.mailbox.messages();
        stage
    }

    fn messages(self) -> Vec<Vec<u8>> {
        let headed = |subject: &str, body: &[u8]| {
            [format!("From: bob@example.org\r\nSubject: {subject}\r\n\r\n").as_bytes(), body].concat()
        };
        let large = match self.to {
            Destination::Maildir | Destination::Mbox => 150_000,
            Destination::Exec => 300_000,
            Destination::Streamed => 2_200_000,
        };
        if self.to == Destination::Streamed {
            return vec![message(1), message_of(2, large), message(3)];
        }
        vec![
            message(1),
            headed("dots", b".\r\n..\r\n.x\r\n\r\n.\r\n"),
            headed("From_ lines", b"From here\r\n>From there\r\n\r\nFrom a@b Mon Sep  1 10:00:00 2025\r\n"),
            Vec::new(),
            message_of(5, large),
            headed("odd octets", b"NUL \0, bare \r CR, \xff\x80 8-bit\r\n"),
            headed("one long line", &[vec![b'x'; 9000], b"\r\n".to_vec()].concat()),
            b"Subject: no body\r\n".to_vec(),
        ]
    }
}

impl Stage {
    pub fn is_mbox(&self) -> bool {
        matches!(self.scene.to, Destination::Mbox | Destination::Streamed)
    }

    /// Where the command puts what it takes.
    pub fn out(&self) -> PathBuf {
        self.root.join("out")
    }

    /// The Maildir, or the mbox.
    pub fn place(&self) -> PathBuf {
        self.root.join(if self.is_mbox() { "mbox" } else { "Mail" })
    }

    /// Where postie keeps its ledgers.
    pub fn state(&self) -> PathBuf {
        self.root.join("state/postie/ledger")
    }

    /// The messages as they are stored, sorted.
    pub fn wanted(&self) -> Vec<Vec<u8>> {
        let mut wanted: Vec<_> = self.all.iter().map(|one| stored(&one.wire)).collect();
        if self.has_foreign() {
            wanted.push(b"Subject: foreign\n\nnot ours\n".to_vec());
        }
        wanted.sort();
        wanted
    }

    pub fn has_foreign(&self) -> bool {
        self.is_mbox() && self.scene.past != Past::None
    }

    /// Makes the ledger one of the first format, which the same records make.
    fn make_first_format(&self) {
        let is_ledger = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "ledger");
        let entries = fs::read_dir(self.state()).unwrap().map(|entry| entry.unwrap().path());
        let path = entries.into_iter().find(is_ledger).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let (first, records) = text.split_once('\n').unwrap();
        let key = first.strip_prefix("postie-ledger 2 ").unwrap();
        fs::write(&path, format!("postie-ledger 1 {key}\n{records}")).unwrap();
    }

    fn put_foreign(&self) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(self.place(), FOREIGN).unwrap();
        fs::set_permissions(self.place(), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The address of the server, or of the wire to it.
    fn url(&self) -> String {
        let url = self.server.url();
        match &self.wire {
            Some(wire) => url.replace(&format!(":{}", self.server.port()), &format!(":{}", wire.port())),
            None => url,
        }
    }

    /// A run of `postie fetch` for the scene.
    pub fn fetch(&self) -> Run {
        self.fetch_within("20s", self.scene)
    }

    /// A run for another scene, with another `--timeout`.
    pub fn fetch_within(&self, timeout: &str, scene: Scene) -> Run {
        let run = self.world.at_url_within(timeout, &self.url(), "fetch").victim(self.server.victim());
        let run = run.env("XDG_STATE_HOME", self.root.join("state")).env("OUT", self.out());
        let run = match scene.to {
            Destination::Maildir => run.arg("--maildir").arg(self.place()),
            Destination::Mbox | Destination::Streamed => run.arg("--mbox").arg(self.place()),
            Destination::Exec => run.arg("--exec").arg(TAKE),
        };
        run.args(scene.after.options())
    }
}

/// A scratch home, in memory where the system has that: what is judged here is not how fast a disk is.
fn scratch() -> World {
    static MEMORY: Once = Once::new();
    MEMORY.call_once(|| {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() && tempfile::tempdir_in(memory).is_ok() {
            let _ = tempfile::env::override_temp_dir(memory);
        }
    });
    World::new(env!("CARGO_BIN_EXE_postie"))
}
