//! The power fails: at any event of the session as the server sees it, after the run has ended, and at random
//! instants.
//!
//! Destination and state are on a file system that is shut down at that moment and loses everything that was
//! not durable. Then postie continues (every file operation fails; whatever it still sends, the server
//! believes) or is killed at the same time. The file system is mounted again, and postie runs again.
//!
//! Thinning: `--delete` on each file system (ext4 in its two data modes), with and without pipelining, every
//! event, killed and alive in turn, and 12 instants for each; by IMAP every third event on ext4, and 4
//! instants. `POSTIE_SWEEP=full`: every policy and past, every event both ways, 300 instants for each (by
//! IMAP 100). XFS is included if it can be made; a quick sweep has only ext4. `POSTIE_SWEEP_SEED` chooses
//! other instants.

use crate::host::Dress;
use crate::judge::{Blow, assert_documented};
use crate::scene::{After, Destination, Past, Scene, Stage};
use crate::support::peer::Victim;
use crate::support::pop3d::Act;
use crate::support::real;
use crate::tally::{Depth, Met, Tally, depth, full};
use crate::volume::{self, Kind, Volume};
use rustix::process::Signal;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

/// When the power fails.
#[derive(Clone, Debug)]
enum Moment {
    /// When the server has received its `n`th command (0: when the client connects); what it is, and
    /// whether postie is killed at the same moment.
    Event(usize, String, bool),
    /// When the run has ended.
    End,
    /// So long after its start.
    Instant(Duration),
}

/// One power cut.
#[derive(Clone)]
struct Outage {
    scene: Scene,
    kind: Kind,
    pipelining: bool,
    moment: Moment,
}

impl std::fmt::Display for Outage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Outage { scene, kind, pipelining, moment } = self;
        let piped = if *pipelining { "" } else { ", no pipelining" };
        match moment {
            Moment::Event(n, what, killed) => {
                let fate = if *killed { "and the client killed" } else { "and the client alive" };
                write!(f, "{scene}, {kind:?}{piped}, power cut at event {n} ({what:?}) {fate}")
            }
            Moment::End => write!(f, "{scene}, {kind:?}{piped}, power cut at the end"),
            Moment::Instant(time) => write!(f, "{scene}, {kind:?}{piped}, power cut after {time:?}"),
        }
    }
}

/// A server's hook that acts once the stage is ready.
#[derive(Default)]
struct Trap {
    armed: AtomicBool,
    events: AtomicUsize,
    hit: AtomicBool,
    victim: OnceLock<Victim>,
}

impl Outage {
    fn play(&self) -> Met {
        let (volume, trap) = (Arc::new(Volume::new(self.kind)), Arc::<Trap>::default());
        let stage = self.set(&volume, &trap);
        let run = stage.fetch();
        let outcome = match self.moment {
            Moment::Instant(time) => thread::scope(|scope| {
                let volume = &volume;
                scope.spawn(move || {
                    thread::sleep(time);
                    volume.cut_power();
                });
                run.go()
            }),
            _ => run.go(),
        };
        match (&self.moment, outcome.signal) {
            (Moment::Event(_, _, true), Some(9)) => {}
            _ => assert_documented(outcome.code, &format!("{outcome:?}")),
        }
        stage.host.settle();
        // A moment that this run did not reach must not hit the runs after it.
        trap.armed.store(false, Ordering::SeqCst);
        if matches!(self.moment, Moment::End) {
            volume.cut_power();
        }
        let met = match self.moment {
            Moment::Event(..) if !trap.hit.load(Ordering::SeqCst) => Met::Missed,
            _ => Met::Hit,
        };
        volume.restart();
        stage.judge_blow(Blow::Killed);
        if outcome.code == Some(0) && matches!(self.moment, Moment::End) {
            stage.judge_stored();
        }
        stage.mend();
        met
    }

    fn set(&self, volume: &Arc<Volume>, trap: &Arc<Trap>) -> Stage {
        let moment = self.moment.clone();
        let (knife, set) = (Arc::clone(volume), Arc::clone(trap));
        let hook = move |_: &str| {
            if let (Moment::Event(at, _, killed), true) = (&moment, set.armed.load(Ordering::SeqCst))
                && set.events.fetch_add(1, Ordering::SeqCst) == *at
            {
                knife.cut_power();
                set.hit.store(true, Ordering::SeqCst);
                if let Some(victim) = set.victim.get().filter(|_| *killed) {
                    victim.signal(Signal::KILL);
                }
            }
            Act::Normal
        };
        let dress = Dress { pipelining: self.pipelining, ..Dress::hook(hook) };
        let stage = self.scene.stage_with(dress, Some(&volume.root()));
        // What was there before is not what is tested.
        volume.sync();
        assert!(trap.victim.set(stage.host.victim()).is_ok());
        trap.armed.store(true, Ordering::SeqCst);
        stage
    }
}

/// What a whole run looks like from the server, and how long it takes.
fn survey(scene: Scene, kind: Kind, pipelining: bool) -> (Vec<String>, Duration) {
    let (volume, trap) = (Arc::new(Volume::new(kind)), Arc::<Trap>::default());
    let stage = Outage { scene, kind, pipelining, moment: Moment::End }.set(&volume, &trap);
    let before = stage.host.commands().len();
    let outcome = stage.fetch().go();
    outcome.assert_exit(scene.exit());
    // The connections of earlier runs came before.
    (stage.host.commands().split_off(before), outcome.elapsed)
}

/// Every event of a scene's session, both ways, and its end.
fn events(scene: Scene, kind: Kind, pipelining: bool) -> Vec<Outage> {
    let (commands, _) = survey(scene, kind, pipelining);
    let names = std::iter::once("connected".to_owned()).chain(commands);
    let moments = names
        .enumerate()
        .flat_map(|(at, name)| [false, true].map(|killed| Moment::Event(at, name.clone(), killed)));
    let outage = |(at, moment)| Outage { scene: scene.at(at / 2), kind, pipelining, moment };
    moments.chain([Moment::End]).enumerate().map(outage).collect()
}

/// Instants spread over the time of a run, and a little longer.
fn instants(scene: Scene, kind: Kind, count: usize) -> Vec<Outage> {
    let (_, time) = survey(scene, kind, true);
    let seed = std::env::var("POSTIE_SWEEP_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut state: u64 = seed.unwrap_or(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move || {
        // Xorshift; any spread will do.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let span = u64::try_from(time.as_micros()).unwrap() * 5 / 4 + 1;
    let mut moment = || Moment::Instant(Duration::from_micros(random() % span));
    (0..count).map(|at| Outage { scene: scene.at(at), kind, pipelining: true, moment: moment() }).collect()
}

/// The file systems that are available here.
fn kinds(name: &str) -> Vec<Kind> {
    let mut kinds = vec![Kind::Ext4, Kind::Ext4Writeback];
    kinds.retain(|kind| volume::can(name, *kind));
    if depth() == Depth::Quick {
        // Each kind is measured separately, which takes longer than the few points of a quick sweep.
        kinds.truncate(1);
    } else if volume::is_makable(name, Kind::Xfs) && volume::can(name, Kind::Xfs) {
        kinds.push(Kind::Xfs);
    }
    kinds
}

fn sweep_all(name: &'static str, to: Destination) {
    let kinds = kinds(name);
    if kinds.is_empty() {
        return;
    }
    let mut tally = Tally::new(name);
    let mut scenes = vec![Scene::new(to, After::Delete, Past::None)];
    if full() {
        scenes = Scene::fresh(to);
        scenes.extend([After::Keep, After::Delete].map(|after| Scene::new(to, after, Past::Known)));
    }
    for scene in scenes {
        for (turn, kind) in kinds.iter().enumerate() {
            for pipelining in [true, false] {
                let events = events(scene, *kind, pipelining);
                // The two data modes share the events: each has the half that the other does not have.
                let chosen = |at: usize, _: &Outage| (at / 2 + at + turn).is_multiple_of(2);
                tally.sweep(&events, chosen, Outage::play);
            }
            let count = if full() { 300 } else { 12 };
            tally.sweep(&instants(scene, *kind, count), |_, _| true, Outage::play);
        }
    }
    tally.end();
}

#[test]
fn a_power_cut_that_a_run_does_not_reach_does_not_hit_a_later_run() {
    if !volume::can("power cut that is not met", Kind::Ext4) {
        return;
    }
    let scene = Scene::new(Destination::Maildir, After::Keep, Past::None);
    let (commands, _) = survey(scene, Kind::Ext4, true);
    // The greeting counts, too: this is the first event of the run after it.
    let moment = Moment::Event(commands.len() + 1, "the next run connects".into(), false);
    let outage = Outage { scene, kind: Kind::Ext4, pipelining: true, moment };
    assert_eq!(outage.play(), Met::Missed);
}

#[test]
fn a_file_system_whose_mount_another_process_has_copied_starts_again_all_the_same() {
    let name = "power cut with a copied mount";
    for kind in [Kind::Ext4, Kind::Xfs] {
        if !real::have(name, &["unshare"]) || !volume::is_makable(name, kind) || !volume::can(name, kind) {
            continue;
        }
        let volume = Volume::new(kind);
        let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).unwrap();
        let mut holder = Command::new("unshare").args(["--mount", "sleep", "60"]).spawn().unwrap();
        while namespace(&holder.id().to_string()) == namespace("self") {
            thread::sleep(Duration::from_millis(5));
        }
        let file = volume.root().join("kept");
        fs::write(&file, "durable").unwrap();
        volume.sync();
        volume.cut_power();
        volume.restart();
        let found = fs::read_to_string(&file);
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert_eq!(found.unwrap(), "durable");
    }
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_in_a_maildir() {
    sweep_all("power-cut sweep, Maildir", Destination::Maildir);
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_in_an_mbox() {
    sweep_all("power-cut sweep, mbox", Destination::Mbox);
}

#[test]
fn a_power_cut_at_any_moment_loses_no_large_message_in_an_mbox() {
    sweep_all("power-cut sweep, large message to mbox", Destination::Streamed);
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_for_a_command() {
    sweep_all("power-cut sweep, --exec", Destination::Exec);
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_when_fetching_by_imap() {
    let name = "power-cut sweep, IMAP";
    let mut kinds = kinds(name);
    if !full() {
        kinds.truncate(1);
    }
    if kinds.is_empty() {
        return;
    }
    let mut tally = Tally::new(name);
    for to in [Destination::Maildir, Destination::Mbox] {
        // In a thinned sweep the destinations share the scenes.
        let shared = |at: usize| full() || (at % 2 == 1) == (to == Destination::Mbox);
        for (at, scene) in Scene::imap(to, full()).into_iter().enumerate().filter(|(at, _)| shared(*at)) {
            for kind in &kinds {
                let events = events(scene, *kind, true);
                let chosen = |index: usize, _: &Outage| (index / 2 + index + at).is_multiple_of(3);
                tally.sweep(&events, chosen, Outage::play);
                let count = if full() { 100 } else { 4 };
                tally.sweep(&instants(scene, *kind, count), |_, _| true, Outage::play);
            }
        }
    }
    tally.end();
}
