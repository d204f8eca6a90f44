//! SIGKILL at the entry of a system call, for every system call of a run.
//!
//! Thinning: only calls directly after one that changes something outside the process, since a kill at any
//! other one leaves the same as a kill one call earlier. Of these, every one if nothing happened before,
//! every third if some messages are known, and every third of a run that repairs. The loader's calls before
//! `main` are left out. For the streamed message every fourth. By IMAP every third, in a part of the scenes.
//! `POSTIE_SWEEP=full` tries every call of every scene.

use crate::judge::Blow;
use crate::scene::{After, Destination, Past, Scene, Stage};
use crate::strace::{self, Call};
use crate::tally::{Met, Tally, full};

/// One kill: the scene, an earlier kill after which this run repairs, and the call.
struct Kill<'a> {
    scene: Scene,
    earlier: Option<&'a Call>,
    call: Call,
}

impl std::fmt::Display for Kill<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, killed at {}", self.scene, self.call)?;
        self.earlier.map_or(Ok(()), |earlier| write!(f, ", after a kill at {earlier}"))
    }
}

impl Kill<'_> {
    fn play(&self) -> Met {
        let stage = set(self.scene, self.earlier);
        let outcome = strace::kill_at(&stage, stage.fetch(), &self.call).go();
        let met = match (outcome.signal, outcome.code) {
            (Some(9), _) => Met::Hit,
            (None, Some(code)) if code == self.scene.exit() => Met::Missed,
            other => panic!("ended with {other:?}: {}\n{}", outcome.out(), outcome.err()),
        };
        stage.judge_blow(Blow::Killed);
        stage.mend();
        met
    }
}

/// A stage, on which an earlier run was already killed if wanted.
fn set(scene: Scene, earlier: Option<&Call>) -> Stage {
    let stage = scene.stage();
    if let Some(call) = earlier {
        strace::kill_at(&stage, stage.fetch(), call).go();
        stage.judge_blow(Blow::Killed);
    }
    stage
}

fn kills<'a>(scene: Scene, earlier: Option<&'a Call>) -> Vec<Kill<'a>> {
    let stage = set(scene, earlier);
    let calls = strace::record(&stage, stage.fetch());
    let kill = |(at, call)| Kill { scene: scene.at(at), earlier, call };
    calls.into_iter().enumerate().map(kill).collect()
}

/// Sweeps a scene; unless the sweep is full, every `step`th of the significant calls is tried.
fn sweep(tally: &mut Tally, scene: Scene, earlier: Option<&Call>, step: usize) {
    let kills = kills(scene, earlier);
    let telling: Vec<usize> = (0..kills.len()).filter(|at| kills[*at].call.fresh).collect();
    let chosen = |at: usize, _: &Kill<'_>| telling.binary_search(&at).is_ok_and(|place| place % step == 0);
    tally.sweep(&kills, chosen, Kill::play);
}

fn sweep_all(name: &'static str, to: Destination) {
    if !strace::can(name) {
        return;
    }
    let mut tally = Tally::new(name);
    for scene in Scene::fresh(to) {
        sweep(&mut tally, scene, None, if scene.after.empties() { 1 } else { 2 });
    }
    for after in [After::Keep, After::Delete] {
        sweep(&mut tally, Scene::new(to, after, Past::Known), None, 3);
    }
    tally.end();
}

#[test]
fn a_fetch_into_a_maildir_killed_at_any_call_is_completed_by_the_next() {
    sweep_all("kill sweep, Maildir", Destination::Maildir);
}

#[test]
fn a_fetch_into_an_mbox_killed_at_any_call_is_completed_by_the_next() {
    sweep_all("kill sweep, mbox", Destination::Mbox);
}

#[test]
fn a_fetch_to_a_command_killed_at_any_call_gives_each_message_again_at_most_once() {
    sweep_all("kill sweep, --exec", Destination::Exec);
}

/// Sweeps the scenes of IMAP; every `step`th of the significant calls.
fn sweep_imap(name: &'static str, to: Destination, step: usize) {
    if !strace::can(name) {
        return;
    }
    let mut tally = Tally::new(name);
    for scene in Scene::imap(to, full()) {
        sweep(&mut tally, scene, None, step);
    }
    tally.end();
}

#[test]
fn a_fetch_by_imap_into_a_maildir_killed_at_any_call_is_completed_by_the_next() {
    sweep_imap("kill sweep, IMAP, Maildir", Destination::Maildir, 3);
}

#[test]
fn a_fetch_by_imap_into_an_mbox_killed_at_any_call_is_completed_by_the_next() {
    sweep_imap("kill sweep, IMAP, mbox", Destination::Mbox, 3);
}

#[test]
fn a_message_with_a_reused_uid_is_neither_lost_nor_doubled_by_a_kill_at_any_call() {
    let name = "kill sweep, IMAP, a UID used again";
    if !strace::can(name) {
        return;
    }
    let mut tally = Tally::new(name);
    for to in [Destination::Maildir, Destination::Mbox] {
        sweep(&mut tally, Scene::new(to, After::Delete, Past::Reused).by_imap(true), None, 3);
    }
    tally.end();
}

#[test]
fn a_fetch_of_two_folders_into_one_maildir_may_be_killed_at_any_call() {
    let name = "kill sweep, IMAP, two folders";
    if !strace::can(name) {
        return;
    }
    let mut tally = Tally::new(name);
    Scene::two_folders().into_iter().for_each(|scene| sweep(&mut tally, scene, None, 7));
    tally.end();
}

#[test]
fn a_move_by_imap_killed_at_any_call_moves_each_message_once() {
    let name = "kill sweep, IMAP, moving";
    if !strace::can(name) {
        return;
    }
    let mut tally = Tally::new(name);
    for to in [Destination::Maildir, Destination::Mbox] {
        for scene in Scene::moving(to) {
            sweep(&mut tally, scene, None, if to == Destination::Mbox { 13 } else { 5 });
        }
    }
    tally.end();
}

#[test]
fn a_fetch_of_a_large_message_into_an_mbox_may_be_killed_at_any_call() {
    let name = "kill sweep, large message to mbox";
    if !strace::can(name) {
        return;
    }
    let mut tally = Tally::new(name);
    for past in [Past::None, Past::Known] {
        sweep(&mut tally, Scene::new(Destination::Streamed, After::Delete, past), None, 4);
    }
    tally.end();
}

#[test]
fn a_takeover_of_a_ledger_killed_at_any_call_is_completed_by_the_next_run() {
    let name = "kill sweep, ledgers that are taken over";
    if !strace::can(name) {
        return;
    }
    let mut tally = Tally::new(name);
    for past in [Past::FirstFormat, Past::OtherPort] {
        for after in [After::Keep, After::Delete] {
            sweep(&mut tally, Scene::new(Destination::Maildir, after, past), None, 2);
        }
        sweep(&mut tally, Scene::new(Destination::Mbox, After::Delete, past), None, 3);
    }
    tally.end();
}

/// Where a first kill leaves the most to repair: in the middle of what is stored, and after it.
fn worst(calls: &[Call], place: &str) -> Vec<Call> {
    let storing = |call: &&Call| {
        let moves =
            call.is(&["rename", "renameat", "renameat2", "link", "linkat"]) && call.text.contains("/new");
        moves || (call.is(&["write", "pwrite64"]) && call.text.contains(&format!("{place}>")))
    };
    let at: Vec<usize> = calls.iter().filter(storing).filter_map(|call| index(calls, call)).collect();
    let (first, last) = (at[0], at[at.len() - 1]);
    [at[at.len() / 2], first + 1, last + 1].into_iter().map(|place| calls[place].clone()).collect()
}

fn index(calls: &[Call], call: &Call) -> Option<usize> {
    calls.iter().position(|other| other.name == call.name && other.n == call.n)
}

#[test]
fn the_run_after_a_killed_one_may_itself_be_killed_at_any_call() {
    let name = "kill sweep of mending runs";
    if !strace::can(name) {
        return;
    }
    let mut tally = Tally::new(name);
    for to in [Destination::Maildir, Destination::Mbox, Destination::Streamed] {
        for past in [Past::None, Past::Known] {
            let scene = Scene::new(to, After::Delete, past);
            let stage = scene.stage();
            let calls = strace::record(&stage, stage.fetch());
            for earlier in worst(&calls, stage.place().to_str().unwrap()) {
                sweep(&mut tally, scene, Some(&earlier), if to == Destination::Streamed { 8 } else { 3 });
            }
        }
    }
    tally.end();
}
