//! A file system of its own, in a file, on a loop device, whose power can be cut: the shutdown ioctl stops it
//! at once and discards everything that was not made durable, the log included.

use crate::support::process::Run;
use crate::support::real;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Which file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ext4,
    /// Ext4 that writes names and data in any order.
    Ext4Writeback,
    Xfs,
}

impl Kind {
    fn make(self) -> (&'static str, &'static [&'static str], u64) {
        match self {
            Kind::Ext4 | Kind::Ext4Writeback => ("mkfs.ext4", &["-q", "-F"], 24 << 20),
            Kind::Xfs => ("mkfs.xfs", &["-q", "-f"], 320 << 20),
        }
    }

    fn mount_options(self) -> &'static str {
        match self {
            Kind::Ext4Writeback => "loop,data=writeback",
            Kind::Ext4 => "loop",
            // A copy has the same UUID.
            Kind::Xfs => "loop,nouuid",
        }
    }
}

/// Whether there is a program to make such a file system; if not, says so. It may be missing even in CI.
pub fn is_makable(test: &str, kind: Kind) -> bool {
    let program = kind.make().0;
    let there = real::program(program).is_some();
    if !there {
        // Not by the macros, whose output the test harness hides.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {test}, on {kind:?}: missing here: {program}");
    }
    there
}

/// Whether file systems can be made and mounted here; if not, says so loudly.
#[track_caller]
pub fn can(test: &str, kind: Kind) -> bool {
    real::have(test, &["root", "mount", "umount", "losetup", "perl", kind.make().0]) && {
        let works = Path::new("/dev/loop-control").exists() && Volume::try_new(kind).is_some();
        works || real::have(test, &["loop mounts"])
    }
}

/// A mounted file system; unmounted and gone when dropped.
pub struct Volume {
    kind: Kind,
    knife: Mutex<Knife>,
    dir: tempfile::TempDir,
    /// How often the image was copied.
    copies: AtomicUsize,
}

impl Volume {
    pub fn new(kind: Kind) -> Volume {
        Volume::try_new(kind).expect("file systems can be mounted here: that was tried")
    }

    fn try_new(kind: Kind) -> Option<Volume> {
        let dir = tempfile::Builder::new().prefix("postie-volume-").tempdir().unwrap();
        let volume = Volume { kind, knife: Mutex::new(Knife::start()), dir, copies: AtomicUsize::new(0) };
        let (program, options, size) = kind.make();
        std::fs::File::create(volume.image()).unwrap().set_len(size).unwrap();
        std::fs::create_dir(volume.root()).unwrap();
        let made = Run::new(real::program(program)?).args(options).arg(volume.image()).run();
        assert_eq!(made.code, Some(0), "{program}: {}", made.err());
        volume.mount().then_some(volume)
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join(format!("image-{}", self.copies.load(Ordering::Relaxed)))
    }

    /// Where it is mounted.
    pub fn root(&self) -> PathBuf {
        self.dir.path().join("disk")
    }

    fn mount(&self) -> bool {
        let run = Run::new(real::program("mount").unwrap()).args(["-o", self.kind.mount_options()]);
        run.arg(self.image()).arg(self.root()).run().code == Some(0)
    }

    /// Cuts the power: only what was durable before this call remains.
    pub fn cut_power(&self) {
        self.knife.lock().unwrap().cut(&self.root());
    }

    /// Makes all that is there durable.
    pub fn sync(&self) {
        rustix::fs::syncfs(std::fs::File::open(self.root()).unwrap()).unwrap();
    }

    /// Starts again, as after a power cut.
    ///
    /// A file system that was shut down stays so while its loop device exists, and that may last longer than
    /// `umount`: another process may hold a file on it for a moment, or its mount namespace a copy of the mount for
    /// as long as it lives. So each step is waited for; if the device stays, its image, to which nothing is written
    /// any more, is mounted as a copy; and the end is checked.
    #[track_caller]
    pub fn restart(&self) {
        let umount = || Run::new(real::program("umount").unwrap()).arg(self.root()).run().code == Some(0);
        assert!(patiently(Duration::from_secs(60), umount), "the file system is never unmounted");
        if !patiently(Duration::from_secs(5), || self.is_detached()) {
            let old = self.image();
            self.copies.fetch_add(1, Ordering::Relaxed);
            std::fs::copy(old, self.image()).unwrap();
        }
        assert!(self.mount(), "the file system cannot be mounted again");
        self.try_writing().expect("the file system works again");
    }

    /// Whether no loop device has the image any more.
    fn is_detached(&self) -> bool {
        let outcome = Run::new(real::program("losetup").unwrap()).arg("-j").arg(self.image()).run();
        outcome.code == Some(0) && outcome.stdout.is_empty()
    }

    fn try_writing(&self) -> std::io::Result<()> {
        let path = self.root().join("works");
        std::fs::File::create(&path)?.sync_all()?;
        std::fs::remove_file(&path)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if let Some(umount) = real::program("umount") {
            // Lazily: it must be unmounted even if a failed test has left a file open.
            let _ = Run::new(umount).arg("-l").arg(self.root()).run();
        }
    }
}

/// Waits until a condition holds; returns whether it did in time.
fn patiently(time: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + time;
    while !holds() {
        if Instant::now() >= end {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    true
}

/// A process that holds the file system open and waits with the ioctl, since Rust offers it only under
/// `unsafe`.
struct Knife {
    process: Child,
    order: Option<ChildStdin>,
    answer: BufReader<ChildStdout>,
}

/// `FS_IOC_SHUTDOWN` (`_IOR('X', 125, u32)`) with `FSOP_GOING_FLAGS_NOLOGFLUSH`.
const SHUTDOWN: &str = r#"$| = 1;
while (my $path = <STDIN>) {
    chomp $path;
    my $flag = pack "L", 2;
    my $cut = open my $dir, "<", $path;
    $cut &&= ioctl $dir, 0x8004587D, $flag;
    undef $dir;
    print $cut ? "cut\n" : "$!\n";
}"#;

impl Knife {
    fn start() -> Knife {
        let mut command = Command::new("perl");
        let command = command.args(["-e", SHUTDOWN]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (order, answer) = (process.stdin.take(), BufReader::new(process.stdout.take().unwrap()));
        Knife { process, order, answer }
    }

    #[track_caller]
    fn cut(&mut self, root: &Path) {
        writeln!(self.order.as_mut().unwrap(), "{}", root.display()).unwrap();
        let mut answer = String::new();
        self.answer.read_line(&mut answer).unwrap();
        assert_eq!(answer, "cut\n", "the power cannot be cut");
    }
}

impl Drop for Knife {
    fn drop(&mut self) {
        drop(self.order.take());
        let _ = self.process.wait();
    }
}
