//! The connection is lost: it ends, is reset or falls silent after any octet that the server sends; DELE and
//! QUIT, UID STORE and EXPUNGE are refused, not answered, or lost.
//!
//! What postie sends after that octet does not reach the server. Every connection of the run is cut there, so
//! that a second attempt within the run meets the same.
//!
//! Thinning: without TLS, after every CR and LF in the sessions of small mailboxes and at every 17th octet
//! otherwise, closed and reset in turn; silence and cuts under TLS at every 97th, silence in an mbox and with
//! --exec at every 193rd. By IMAP, in a part of the scenes, every 29th of the former points, and silence and
//! TLS at every 389th. `POSTIE_SWEEP=full`: every octet, closed and reset, for every destination and policy;
//! silence at every 7th (with an mbox and --exec at every 13th), TLS at every third (by IMAP every 7th).

use crate::cut::Cut;
use crate::host::{self, Dress};
use crate::judge::Blow;
use crate::scene::{After, Destination, Past, Scene};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode};
use crate::tally::{Met, Tally, full};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One cut.
struct Lost {
    scene: Scene,
    mode: Mode,
    at: usize,
    how: Cut,
    /// What the server sent before that.
    context: String,
    /// The octets of a whole session; none if TLS hides them.
    whole: usize,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Lost { scene, mode, at, how, context, .. } = self;
        write!(f, "{scene}, {mode:?}, {how:?} behind octet {at}, which ends {context:?}")
    }
}

impl Lost {
    /// Whether it comes after a CR or an LF.
    fn is_at_line_end(&self) -> bool {
        self.context.ends_with("\\r") || self.context.ends_with("\\n")
    }

    fn play(&self) -> Met {
        let stage = self.scene.small_stage(Dress::mode(self.mode));
        let wire = stage.wire.as_ref().unwrap();
        wire.cut(Some((self.at, self.how)));
        let timeout = if self.how == Cut::Silence { "1s" } else { "20s" };
        let outcome = stage.fetch_within(timeout, self.scene).go();
        let told = format!("{}\n{}", outcome.out(), outcome.err());
        let undone = || {
            (!stage.is_emptied() && self.scene.after.empties())
                || catch_unwind(AssertUnwindSafe(|| stage.judge_stored())).is_err()
        };
        match outcome.code {
            Some(code @ (75 | 1)) if self.at < self.whole => {
                outcome.error();
                // What ended the session decides the code. If the connection was lost twice at a message,
                // that is 1 if other messages came, and its own code if nothing did.
                let ended = outcome.of_type("error").iter().any(|error| error["scope"] != "message");
                let summary = outcome.summary();
                let came = ["delivered", "deleted"].iter().any(|count| summary[count] != 0);
                assert_eq!(code, if came && !ended { 1 } else { 75 }, "{told}");
                // After a QUIT without a reply, everything may have been done; and what is stored under an
                // earlier UIDVALIDITY counts only when it comes again.
                assert!(code == 75 || undone() || self.scene.past == Past::Renumbered, "{told}");
            }
            // Each further session of the run is shorter than the one before, so that the last may be
            // complete.
            Some(0) => assert!(!undone(), "{told}"),
            Some(code) if code == self.scene.exit() => {
                outcome.error();
            }
            other => panic!("exit {other:?}\n{told}"),
        }
        stage.judge_blow(Blow::Failed);
        wire.cut(None);
        stage.mend();
        Met::Hit
    }
}

/// All cuts of a scene, in the ways `hows`.
fn cuts(scene: Scene, mode: Mode, hows: &[Cut]) -> Vec<Lost> {
    let stage = scene.small_stage(Dress::mode(mode));
    stage.fetch().go().assert_exit(scene.exit());
    let said = stage.wire.as_ref().unwrap().said();
    let plain = mode == Mode::Plain;
    let whole = if plain { said.len() } else { usize::MAX };
    let octets = if plain { said.len() + 1 } else { said.len() };
    let cut = |at: usize| {
        let (scene, context) = (scene.at(at), said[at.saturating_sub(24)..at].escape_ascii().to_string());
        hows.iter().map(move |how| Lost { scene, mode, at, how: *how, context: context.clone(), whole })
    };
    (0..octets).flat_map(cut).collect()
}

#[test]
fn a_connection_lost_after_any_octet_loses_nothing() {
    let mut tally = Tally::new("line-cut sweep");
    let scenes = [
        Scene::new(Destination::Maildir, After::Delete, Past::None),
        Scene::new(Destination::Mbox, After::Delete, Past::Known),
        Scene::new(Destination::Exec, After::AtOnce, Past::None),
        Scene::new(Destination::Maildir, After::Keep, Past::Known),
    ];
    let others =
        [Destination::Maildir, Destination::Mbox, Destination::Exec].into_iter().flat_map(Scene::fresh);
    let all: Vec<Scene> = if full() { scenes.into_iter().chain(others).collect() } else { scenes.to_vec() };
    for scene in all {
        let cuts = cuts(scene, Mode::Plain, &[Cut::Close, Cut::Reset]);
        // Two points for each octet, one in each way: one after every CR and LF, else every 17th.
        let chosen = |at: usize, cut: &Lost| {
            let odd = (at / 2).is_multiple_of(2);
            at.is_multiple_of(34) || at % 34 == 17 || cut.is_at_line_end() && odd == at.is_multiple_of(2)
        };
        tally.sweep(&cuts, chosen, Lost::play);
    }
    tally.end();
}

#[test]
fn a_connection_lost_after_any_octet_of_an_imap_session_loses_nothing() {
    let mut tally = Tally::new("line-cut sweep, IMAP");
    for to in [Destination::Maildir, Destination::Mbox] {
        for scene in Scene::imap(to, full()) {
            let cuts = cuts(scene, Mode::Plain, &[Cut::Close, Cut::Reset]);
            let ends: Vec<usize> = (0..cuts.len()).filter(|at| cuts[*at].is_at_line_end()).collect();
            let chosen = |at: usize, _: &Lost| {
                at.is_multiple_of(661) || ends.binary_search(&at).is_ok_and(|place| place.is_multiple_of(29))
            };
            tally.sweep(&cuts, chosen, Lost::play);
        }
    }
    tally.end();
}

#[test]
fn a_connection_that_falls_silent_or_is_cut_under_tls_loses_nothing() {
    let mut tally = Tally::new("line-cut sweep, silence and TLS");
    for (scene, mode, hows, step, whole_step) in [
        (
            Scene::new(Destination::Maildir, After::Delete, Past::None),
            Mode::Plain,
            &[Cut::Silence][..],
            97,
            7,
        ),
        (
            Scene::new(Destination::Mbox, After::AtOnce, Past::Known),
            Mode::Plain,
            &[Cut::Silence][..],
            193,
            13,
        ),
        (Scene::new(Destination::Exec, After::Keep, Past::None), Mode::Plain, &[Cut::Silence][..], 193, 13),
        (
            Scene::new(Destination::Maildir, After::Delete, Past::None),
            Mode::Implicit,
            &[Cut::Close, Cut::Reset],
            97,
            3,
        ),
        (Scene::new(Destination::Mbox, After::Delete, Past::None), Mode::Upgrade, &[Cut::Close], 97, 3),
        (
            Scene::new(Destination::Maildir, After::Delete, Past::None).by_imap(true),
            Mode::Plain,
            &[Cut::Silence],
            389,
            13,
        ),
        (
            Scene::new(Destination::Mbox, After::Delete, Past::None).by_imap(false),
            Mode::Upgrade,
            &[Cut::Close],
            389,
            7,
        ),
        (
            Scene::new(Destination::Mbox, After::Keep, Past::Renumbered).by_imap(true),
            Mode::Implicit,
            &[Cut::Reset],
            389,
            7,
        ),
    ] {
        let cuts = cuts(scene, mode, hows);
        let step = if full() { whole_step } else { step };
        let of = cuts.len();
        let some: Vec<Lost> =
            cuts.into_iter().enumerate().filter(|(at, _)| at % step == 0).map(|it| it.1).collect();
        tally.leave_out(of - some.len());
        tally.sweep(&some, |_, _| true, Lost::play);
    }
    tally.end();
}

/// A command that fails on the first connection.
struct Bad {
    scene: Scene,
    line: &'static str,
    act: Act,
    code: i32,
}

impl std::fmt::Display for Bad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {:?} to {}", self.scene, self.act, self.line)
    }
}

impl Bad {
    fn play(&self) -> Met {
        let (line, act, armed) = (self.line, self.act.clone(), Arc::new(AtomicBool::new(true)));
        let hook = move |heard: &str| {
            let here = heard.starts_with(line) && armed.swap(false, Ordering::SeqCst);
            if here { act.clone() } else { Act::Normal }
        };
        let stage = self.scene.small_stage(Dress::hook(hook));
        let outcome = stage.fetch_within("1s", self.scene).go();
        outcome.assert_exit(self.code);
        if self.code != 0 {
            outcome.error();
        }
        stage.judge_blow(Blow::Failed);
        stage.judge_stored();
        let before = stage.host.commands().len();
        stage.mend();
        let commands = stage.host.commands().split_off(before);
        let mut fetched = commands.iter().filter(|command| host::fetches(command));
        let again = fetched.find(|command| stage.host.other().is_none_or(|other| other.is_of_old(command)));
        assert_eq!(again, None, "what is stored is fetched again");
        Met::Hit
    }
}

#[test]
fn dele_and_quit_may_be_refused_unanswered_or_lost() {
    let mut tally = Tally::new("DELE and QUIT going wrong");
    let refused = Act::reply("-ERR [SYS/TEMP] not now");
    let ends = [Act::end(End::Close), Act::end(End::Reset), Act::end(End::Stall)];
    let quits = [Act::Then(b"-ERR some deleted messages not removed\r\n".to_vec(), End::Close)];
    // The server has done it, and the client does not get the reply.
    let unheard =
        [Act::Cut(0, End::Close), Act::Cut(0, End::Reset), Act::Cut(0, End::Stall), Act::Cut(4, End::Close)];
    for to in [Destination::Maildir, Destination::Mbox, Destination::Exec] {
        for after in [After::Delete, After::AtOnce] {
            let scene = Scene::new(to, after, Past::None);
            let bad = |line, act: &Act, code| Bad { scene, line, act: act.clone(), code };
            let mut all = vec![bad("DELE 1", &refused, 1), bad("DELE 7", &refused, 1)];
            for act in ends.iter().chain(&unheard) {
                // A loss at one message is made up for by a second session of the same run.
                all.push(bad("DELE 2", act, 0));
                all.push(bad("QUIT", act, 75));
            }
            all.extend(quits.iter().map(|act| bad("QUIT", act, 75)));
            tally.sweep(&all, |_, _| true, Bad::play);
        }
    }
    tally.end();
}

#[test]
fn imap_deletions_may_be_refused_unanswered_or_lost() {
    let mut tally = Tally::new("UID STORE, EXPUNGE and LOGOUT going wrong");
    let refused = Act::reply("NO [SERVERBUG] not now");
    let ends = [Act::end(End::Close), Act::end(End::Reset), Act::end(End::Stall)];
    // The server has done it, and the client does not get the reply.
    let unheard =
        [Act::Cut(0, End::Close), Act::Cut(0, End::Reset), Act::Cut(0, End::Stall), Act::Cut(4, End::Close)];
    for to in [Destination::Maildir, Destination::Mbox] {
        for (uidplus, expunge) in [(true, "UID EXPUNGE "), (false, "EXPUNGE")] {
            let scene = Scene::new(to, After::Delete, Past::None).by_imap(uidplus);
            let bad = |line, act: &Act, code| Bad { scene, line, act: act.clone(), code };
            let mut all = Vec::new();
            for line in ["UID STORE ", expunge] {
                all.push(bad(line, &refused, 1));
                all.extend(ends.iter().chain(&unheard).map(|act| bad(line, act, 75)));
            }
            all.push(bad("SELECT ", &refused, 75));
            all.extend(ends.iter().chain(&unheard).map(|act| bad("SELECT ", act, 75)));
            // What is gone is gone.
            all.extend(ends.iter().chain(&unheard).chain([&refused]).map(|act| bad("LOGOUT", act, 0)));
            tally.sweep(&all, |at, _| at % 3 == 0, Bad::play);
        }
    }
    tally.end();
}
