//! What is swept: a destination, a policy and a past; and the stage for one point of it.

use crate::cut::CutWire;
use crate::host::{BESIDE, Dress, Host, Protocol, TARGET};
use crate::support::mailbox::{Stored, message, message_of, stored};
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
    /// An mbox that gets a message too large to be staged in memory.
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
    /// `--move-to`, only by IMAP.
    Move,
}

/// What happened before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// Nothing: there is neither ledger nor destination.
    None,
    /// Some of the messages were fetched and kept; an mbox has mail of another program in it.
    Known,
    /// The same, but the ledger has the first format.
    FirstFormat,
    /// The same, but from another port: the ledger is that of another server.
    OtherPort,
    /// The same, but the folder has got another UIDVALIDITY since; the first UIDs mean other messages.
    Renumbered,
    /// The same, but one of the UIDs means another message now, under the same UIDVALIDITY.
    Reused,
}

/// What is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    pub by: Protocol,
    pub to: Destination,
    pub after: After,
    pub past: Past,
    /// Whether the folder gets another UIDVALIDITY between the run that is tried and the next.
    pub renumbers: bool,
    /// Whether a second folder is fetched, too.
    pub two_folders: bool,
}

impl After {
    pub const ALL: [After; 4] = [After::Keep, After::Delete, After::AtOnce, After::Later];

    /// Whether nothing is left on the server in the end.
    pub fn empties(self) -> bool {
        matches!(self, After::Delete | After::AtOnce | After::Move)
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            After::Keep => &["--keep"],
            After::Delete => &["--delete"],
            After::AtOnce => &["--delete-after", "0s"],
            After::Later => &["--delete-after", "1h"],
            After::Move => &["--move-to", TARGET],
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
            Past::Renumbered => ", some known under another UIDVALIDITY",
            Past::Reused => ", some known, a UID used again",
        };
        let by = match self.by {
            Protocol::Pop3 => "",
            Protocol::Imap { uidplus: true, moves: true } => "IMAP, ",
            Protocol::Imap { uidplus: false, moves: true } => "IMAP without UIDPLUS, ",
            Protocol::Imap { uidplus: true, moves: false } => "IMAP without MOVE, ",
            Protocol::Imap { uidplus: false, moves: false } => "IMAP without MOVE and UIDPLUS, ",
        };
        let by = if self.two_folders { format!("{by}two folders, ") } else { by.to_owned() };
        let renumbers = if self.renumbers { ", then a new UIDVALIDITY" } else { "" };
        write!(f, "{by}{:?} {}{past}{renumbers}", self.to, self.after.options().join(" "))
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
    pub host: Host,
    /// What is between postie and the server, if anything.
    pub wire: Option<CutWire>,
    /// Where destination and state are.
    pub root: PathBuf,
}

impl Scene {
    pub fn new(to: Destination, after: After, past: Past) -> Scene {
        Scene { by: Protocol::Pop3, to, after, past, renumbers: false, two_folders: false }
    }

    /// The scenes for a destination by IMAP: all of them in a full sweep, else a part that has every feature.
    pub fn imap(to: Destination, all: bool) -> Vec<Scene> {
        let part = [
            (true, After::Keep, Past::Renumbered),
            (true, After::Delete, Past::None),
            (true, After::Delete, Past::Renumbered),
            (false, After::Delete, Past::None),
            (false, After::Delete, Past::Known),
        ];
        let ways = [(true, After::Keep), (true, After::Delete), (false, After::Delete)];
        let pasts = |(uidplus, after)| {
            [Past::None, Past::Known, Past::Renumbered].map(move |past| (uidplus, after, past))
        };
        let whole = ways.into_iter().flat_map(pasts);
        let chosen: Vec<_> = if all { whole.collect() } else { part.to_vec() };
        chosen
            .into_iter()
            .map(|(uidplus, after, past)| Scene::new(to, after, past).by_imap(uidplus))
            .collect()
    }

    /// The same by IMAP.
    pub fn by_imap(self, uidplus: bool) -> Scene {
        Scene { by: Protocol::Imap { uidplus, moves: true }, ..self }
    }

    /// Scenes in which two folders are fetched into one Maildir.
    pub fn two_folders() -> Vec<Scene> {
        let ways = [
            (true, After::Keep, Past::None),
            (true, After::Keep, Past::Renumbered),
            (true, After::Delete, Past::Known),
            (false, After::Delete, Past::None),
        ];
        let scene = |(uidplus, after, past)| Scene {
            two_folders: true,
            ..Scene::new(Destination::Maildir, after, past).by_imap(uidplus)
        };
        ways.map(scene).to_vec()
    }

    /// The scenes for a destination in which mail is moved, for each way to move.
    pub fn moving(to: Destination) -> Vec<Scene> {
        let ways = [(true, true, Past::Known), (true, false, Past::None), (true, false, Past::Renumbered)];
        let ways = ways.into_iter().chain([(false, false, Past::None), (false, false, Past::Known)]);
        let scene = |(uidplus, moves, past)| Scene {
            by: Protocol::Imap { uidplus, moves },
            ..Scene::new(to, After::Move, past)
        };
        ways.map(scene).collect()
    }

    /// The same; by IMAP the folder then gets another UIDVALIDITY, at every second point.
    pub fn at(self, point: usize) -> Scene {
        Scene { renumbers: self.by != Protocol::Pop3 && point % 2 == 1, ..self }
    }

    /// The commands that make the server delete, or that end a session at last; as strace shows them.
    pub fn deletes_by(self) -> &'static str {
        match self.by {
            Protocol::Pop3 => "QUIT\\r\\n",
            Protocol::Imap { moves: true, .. } if self.after == After::Move => " UID MOVE ",
            Protocol::Imap { .. } if self.after == After::Move => " UID COPY ",
            Protocol::Imap { .. } if self.after.empties() => " UID STORE ",
            Protocol::Imap { .. } => " LOGOUT\\r\\n",
        }
    }

    /// How an undisturbed run ends. If EXPUNGE removes everything that is marked, and another client has
    /// marked something in the meantime, nothing is expunged.
    pub fn exit(self) -> i32 {
        match self.past {
            // A message that is another one now is reported, and left for the next run.
            Past::Reused => 1,
            _ if self.is_held_up() && self.after.empties() => 69,
            _ => 0,
        }
    }

    /// Whether another client marks a message while postie deletes, and the server cannot leave it out.
    fn is_held_up(self) -> bool {
        let by_move = self.after == After::Move && matches!(self.by, Protocol::Imap { moves: true, .. });
        matches!(self.by, Protocol::Imap { uidplus: false, .. }) && self.past != Past::None && !by_move
    }

    /// The scenes of a destination with nothing before, one for each policy.
    pub fn fresh(to: Destination) -> Vec<Scene> {
        After::ALL.map(|after| Scene::new(to, after, Past::None)).to_vec()
    }

    /// A stage in a scratch home.
    pub fn stage(self) -> Stage {
        self.stage_with(Dress::default(), None)
    }

    /// A stage with a server of its own kind, its files under `root` if there is one.
    pub fn stage_with(self, dress: Dress, root: Option<&Path>) -> Stage {
        self.stage_of(self.messages(), self.empty(dress, root))
    }

    /// A stage with only small messages, behind a wire: every octet of a session is a point.
    pub fn small_stage(self, dress: Dress) -> Stage {
        let mut messages = self.messages();
        messages.iter_mut().filter(|wire| wire.len() > 500).for_each(|wire| *wire = message(wire.len()));
        let mut stage = self.empty(dress, None);
        stage.wire = Some(CutWire::to(stage.host.port()));
        self.stage_of(messages, stage)
    }

    /// A stage without a past or a message.
    fn empty(self, dress: Dress, root: Option<&Path>) -> Stage {
        let world = scratch();
        let root = root.map_or(world.root(), |root| root).to_owned();
        Stage { scene: self, world, host: Host::start(self.by, dress), wire: None, root }
    }

    fn stage_of(self, mut messages: Vec<Vec<u8>>, mut stage: Stage) -> Stage {
        fs::create_dir_all(stage.out()).unwrap();
        if self.past != Past::None {
            let later = messages.split_off(messages.len() / 2);
            messages.iter().for_each(|wire| stage.host.add(wire));
            if stage.is_mbox() {
                stage.put_foreign();
            }
            let keep = Scene { after: After::Keep, ..self };
            stage.fetch_within("20s", keep).go().assert_exit(0);
            match self.past {
                Past::FirstFormat => stage.make_first_format(),
                Past::OtherPort => stage.host = stage.host.elsewhere(),
                Past::Renumbered => stage.host.other().expect("IMAP has UIDVALIDITY").renumber(),
                Past::Reused => stage.host.other().expect("only IMAP servers do that here").reuse(),
                Past::None | Past::Known => {}
            }
            messages = later;
        }
        messages.iter().for_each(|wire| stage.host.add(wire));
        if let Some(other) = stage.host.other() {
            other.begin(self.is_held_up() || matches!(self.by, Protocol::Imap { uidplus: true, .. }));
        }
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
        let twin = message(1);
        if self.to == Destination::Streamed {
            return vec![message(1), message_of(2, large), message(3)];
        }
        let mut all = vec![
            message(1),
            headed("dots", b".\r\n..\r\n.x\r\n\r\n.\r\n"),
            headed("From_ lines", b"From here\r\n>From there\r\n\r\nFrom a@b Mon Sep  1 10:00:00 2025\r\n"),
            Vec::new(),
            message_of(5, large),
            headed("odd octets", b"NUL \0, bare \r CR, \xff\x80 8-bit\r\n"),
            headed("one long line", &[vec![b'x'; 9000], b"\r\n".to_vec()].concat()),
            b"Subject: no body\r\n".to_vec(),
        ];
        // If content is compared, two messages with the same content are still two.
        all.extend((self.by != Protocol::Pop3).then_some(twin));
        all
    }
}

impl Stage {
    pub fn is_mbox(&self) -> bool {
        matches!(self.scene.to, Destination::Mbox | Destination::Streamed)
    }

    /// Where the command stores what it takes.
    pub fn out(&self) -> PathBuf {
        self.root.join("out")
    }

    /// The Maildir, or the mbox.
    pub fn place(&self) -> PathBuf {
        self.root.join(if self.is_mbox() { "mbox" } else { "Mail" })
    }

    /// The Maildirs: that of the second folder is inside that of the first.
    pub fn maildirs(&self) -> Vec<PathBuf> {
        let beside = self.place().join(format!(".{BESIDE}"));
        [self.place()].into_iter().chain(self.scene.two_folders.then_some(beside)).collect()
    }

    /// Where postie keeps its ledgers.
    pub fn state(&self) -> PathBuf {
        self.root.join("state/postie/ledger")
    }

    /// Every message that ever was in the mailbox, as it is stored, sorted.
    pub fn wanted(&self) -> Vec<Vec<u8>> {
        self.wanted_of(|_| true)
    }

    /// The same of some messages.
    pub fn wanted_of(&self, which: impl Fn(&Stored) -> bool) -> Vec<Vec<u8>> {
        let all = self.host.all().into_iter().filter(|one| which(one));
        let mut wanted: Vec<_> = all.map(|one| stored(&one.wire)).collect();
        if self.has_foreign() {
            wanted.push(b"Subject: foreign\n\nnot ours\n".to_vec());
        }
        wanted.sort();
        wanted
    }

    /// Whether postie is responsible for a message: another client has not removed it, and it is not so new
    /// that a run may not have listed it.
    pub fn is_owed(&self, one: &Stored) -> bool {
        self.host.other().is_none_or(|other| !other.has_taken(one) && !other.is_late(one))
    }

    /// Whether nothing was deleted by postie.
    pub fn is_untouched(&self) -> bool {
        let left = self.host.left();
        self.host.all().iter().all(|one| left.contains(one) || !self.is_owed(one))
    }

    /// Whether everything was deleted that is to be.
    pub fn is_emptied(&self) -> bool {
        !self.host.left().iter().any(|one| self.is_owed(one))
    }

    pub fn has_foreign(&self) -> bool {
        self.is_mbox() && self.scene.past != Past::None
    }

    /// Changes the ledger to one of the first format, with the same records.
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
        let url = self.host.url();
        match &self.wire {
            Some(wire) => url.replace(&format!(":{}", self.host.port()), &format!(":{}", wire.port())),
            None => url,
        }
    }

    /// A run of `postie fetch` for the scene.
    pub fn fetch(&self) -> Run {
        self.fetch_within("20s", self.scene)
    }

    /// A run for another scene, with another `--timeout`.
    pub fn fetch_within(&self, timeout: &str, scene: Scene) -> Run {
        let run = self.world.at_url_within(timeout, &self.url(), "fetch").victim(self.host.victim());
        let run = run.env("XDG_STATE_HOME", self.root.join("state")).env("OUT", self.out());
        let run = match scene.to {
            Destination::Maildir => run.arg("--maildir").arg(self.place()),
            Destination::Mbox | Destination::Streamed => run.arg("--mbox").arg(self.place()),
            Destination::Exec => run.arg("--exec").arg(TAKE),
        };
        let run = if scene.two_folders { run.args(["--folder", "INBOX", "--folder", BESIDE]) } else { run };
        run.args(scene.after.options())
    }
}

/// A temporary home, in memory if the system has that: the speed of a disk is not tested here.
pub fn scratch() -> World {
    static MEMORY: Once = Once::new();
    MEMORY.call_once(|| {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() && tempfile::tempdir_in(memory).is_ok() {
            let _ = tempfile::env::override_temp_dir(memory);
        }
    });
    World::new(env!("CARGO_BIN_EXE_postie"))
}
