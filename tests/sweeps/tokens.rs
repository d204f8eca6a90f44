//! A refresh of OAuth2 tokens that is killed at any call, in which any file call fails, or whose connection to the token
//! server is lost behind any octet. The server replaces refresh tokens and ends all that was granted where an old one comes
//! again; another one leaves them as they are.
//!
//! Judged by what is kept and what the server holds. The next run logs in, and nobody has to do anything, unless the
//! answer of the server did not reach the disk because of what was done to the run: then the next run names the command
//! that mends it. A call that fails once is no such reason, unless it is one of the connection. No run asks twice.
//!
//! Thinning: kills at the calls directly after one that changes something, every fifth where the refresh token stays; of the failing calls those that
//! write with ENOSPC and EIO, others with one error in turn, for good at every eighth; cuts after every LF and at every
//! 11th octet, silence at every 97th, under TLS at every 211th. `POSTIE_SWEEP=full`: every call, error and octet; silence
//! at every 7th, TLS at every third.

use crate::cut::{Cut, CutWire};
use crate::errors::{ERRORS, FILE_CALLS, GROWING, INTERRUPTIBLE, is_of_the_system};
use crate::judge::assert_documented;
use crate::scene::scratch;
use crate::strace::{self, Call};
use crate::support::imapd::Imapd;
use crate::support::imapd::store::ImapStore;
use crate::support::token_stage::{TokenStage, Tokens};
use crate::tally::{Met, Tally, full};
use std::fmt;
use std::fs;

const FOLLOW: &str = "-f";

/// The file and its lock.
const FILES: usize = 2;

/// How the token server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Direct,
    /// By a wire that can be cut, without TLS.
    Wire,
    /// The same under TLS.
    TlsWire,
}

struct Scene {
    stage: TokenStage,
    wire: Option<CutWire>,
}

impl Scene {
    /// An account whose access token has ended. `replaces`: whether each refresh replaces the refresh token.
    fn new(replaces: bool, way: Way) -> Scene {
        let tokens = Tokens::start(|_| None);
        tokens.family.lock().unwrap().replaces = replaces;
        let wire = match way {
            Way::Direct => None,
            Way::Wire => Some((CutWire::to(tokens.web.http.port()), "http")),
            Way::TlsWire => Some((CutWire::to(tokens.web.https.port()), "https")),
        };
        let url = wire.as_ref().map(|(wire, scheme)| format!("{scheme}://localhost:{}/token", wire.port()));
        let mail = Imapd::for_store(&ImapStore::with(1));
        let stage = TokenStage::new(scratch(), mail, tokens, (url, ""));
        stage.keep("old", -5, 3605);
        Scene { stage, wire: wire.map(|(wire, _)| wire) }
    }

    /// Looks at what a run has left, and runs again. `may_lose`: whether the answer of the server may be lost.
    fn judge(&self, may_lose: bool) {
        let stage = &self.stage;
        let asked = stage.tokens.web.requests().len();
        assert!(asked <= 1, "one run has asked {asked} times");
        let kept = stage.kept()["refresh_token"].clone();
        let next = stage.list().go();
        // What is under way when a run ends may still come to the server.
        let (granted, holds) = (stage.tokens.count(), stage.tokens.holds());
        let told = format!("kept {kept}, holds {holds:?}\n{}\n{}", next.out(), next.err());
        if next.code == Some(0) {
            let kept = stage.kept()["refresh_token"].clone();
            assert_eq!(kept.as_str(), holds.as_deref(), "the next run lost it: {told}");
            assert_eq!(stage.list().go().code, Some(0), "a third run: {told}");
        } else {
            assert!(kept == "r0" && granted > 0, "there was a good token: {told}");
            assert!(may_lose, "what the server granted is lost: {told}");
            assert_eq!(next.code, Some(77), "{told}");
            let hint = next.error()["hint"].to_string();
            assert!(hint.contains("postie config login work"), "nobody is told what to do: {told}");
        }
        if asked == stage.tokens.web.requests().len() {
            // Whoever gets tokens next clears away what a killed run has left.
            return;
        }
        let left = fs::read_dir(stage.file().parent().unwrap()).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), FILES, "{left:?}");
    }
}

/// The calls of a run that refreshes, from `main` on.
fn calls(replaces: bool) -> Vec<Call> {
    let scene = Scene::new(replaces, Way::Direct);
    let stage = &scene.stage;
    let calls = strace::record_in(&stage.world, stage.list(), FOLLOW, 0);
    assert_eq!(stage.tokens.count(), 1);
    assert!(calls.iter().any(|call| call.text.contains("/tokens/")), "the store was not traced");
    calls.into_iter().filter(|call| call.own).collect()
}

struct Kill {
    replaces: bool,
    call: Call,
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "replaced: {}, killed at {}", self.replaces, self.call)
    }
}

impl Kill {
    fn play(&self) -> Met {
        let scene = Scene::new(self.replaces, Way::Direct);
        let outcome = strace::kill_by(scene.stage.list(), &self.call, FOLLOW).run();
        scene.judge(self.replaces && scene.stage.tokens.count() > 0);
        if outcome.code == Some(0) { Met::Missed } else { Met::Hit }
    }
}

#[test]
fn a_refresh_that_is_killed_at_any_call_leaves_a_good_token_or_says_what_to_do() {
    let name = "kill sweep, tokens";
    if !strace::can(name) {
        return;
    }
    let mut tally = Tally::new(name);
    for replaces in [true, false] {
        let kills: Vec<Kill> = calls(replaces).into_iter().map(|call| Kill { replaces, call }).collect();
        let fresh: Vec<usize> = (0..kills.len()).filter(|at| kills[*at].call.fresh).collect();
        let step = if replaces { 1 } else { 5 };
        let chosen =
            |at: usize, _: &Kill| fresh.binary_search(&at).is_ok_and(|place| place.is_multiple_of(step));
        tally.sweep(&kills, chosen, Kill::play);
    }
    tally.end();
}

struct Fault {
    call: Call,
    error: &'static str,
    /// `+` if all calls of its name fail from there on.
    on: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} at {}", self.error, self.on, self.call)
    }
}

impl Fault {
    fn play(&self) -> Met {
        let scene = Scene::new(true, Way::Direct);
        let stage = &scene.stage;
        let run = stage.list_within("5s");
        let outcome = strace::fail_in(&stage.world, run, FOLLOW, (&self.call, self.error, self.on)).go();
        let struck = strace::struck(&stage.world);
        let told = format!("{}\n{}\n{struck:?}", outcome.out(), outcome.err());
        assert_documented(outcome.code, &told);
        let of_connection = |call: &String| call.contains("<socket:") || call.contains("<TCP");
        let is_own = !struck.iter().any(|call| is_of_the_system(call)) && self.call.name != "fcntl";
        if self.error == "EINTR" && self.call.is(&INTERRUPTIBLE) && is_own {
            assert_eq!(outcome.code, Some(0), "an interrupted call is no failure\n{told}");
        }
        scene.judge(self.on == "+" || struck.iter().any(of_connection));
        if struck.is_empty() { Met::Missed } else { Met::Hit }
    }
}

#[test]
fn a_refresh_in_which_a_file_call_fails_leaves_a_good_token_or_says_what_to_do() {
    let name = "error sweep, tokens";
    if !strace::can(name) {
        return;
    }
    let mut tally = Tally::new(name);
    let mut faults = Vec::new();
    for (at, call) in calls(true).into_iter().filter(|call| call.is(&FILE_CALLS)).enumerate() {
        for error in ERRORS {
            for on in ["", "+"] {
                let for_good = call.is(&GROWING) && error != "EINTR";
                if on.is_empty() || for_good {
                    faults.push((at, Fault { call: call.clone(), error, on }));
                }
            }
        }
    }
    let places: Vec<usize> = faults.iter().map(|(at, _)| *at).collect();
    let faults: Vec<Fault> = faults.into_iter().map(|(_, fault)| fault).collect();
    let chosen = |index: usize, fault: &Fault| {
        let at = places[index];
        let stores =
            fault.call.is(&["write", "fsync", "rename", "renameat"]) && fault.call.text.contains("/tokens/");
        match fault.on {
            "+" => at.is_multiple_of(8) && fault.error == ERRORS[(at / 8) % 2],
            _ if stores => fault.error == "ENOSPC" || fault.error == "EIO",
            _ => fault.error == ERRORS[at % ERRORS.len()],
        }
    };
    tally.sweep(&faults, chosen, Fault::play);
    tally.end();
}

struct Lost {
    replaces: bool,
    way: Way,
    at: usize,
    how: Cut,
    /// What the server sent before that.
    context: String,
    /// The octets of a whole answer; none if TLS hides them.
    whole: Option<usize>,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Lost { replaces, way, at, how, context, .. } = self;
        write!(f, "replaced: {replaces}, {way:?}, {how:?} behind octet {at}, which ends {context:?}")
    }
}

impl Lost {
    fn play(&self) -> Met {
        let scene = Scene::new(self.replaces, self.way);
        let wire = scene.wire.as_ref().unwrap();
        wire.cut(Some((self.at, self.how)));
        let timeout = if self.how == Cut::Silence { "1s" } else { "20s" };
        let outcome = scene.stage.list_within(timeout).go();
        let told = format!("{}\n{}", outcome.out(), outcome.err());
        match (outcome.code, self.whole) {
            (Some(0), Some(whole)) => assert!(self.at >= whole, "a part of the answer is none: {told}"),
            (Some(75), Some(whole)) => assert!(self.at < whole, "the answer was whole: {told}"),
            (Some(0 | 75), None) => {}
            other => panic!("{other:?}: {told}"),
        }
        if outcome.code == Some(75) {
            outcome.error();
        }
        wire.cut(None);
        scene.judge(self.replaces && outcome.code != Some(0));
        Met::Hit
    }
}

/// Every cut of the answer to a refresh.
fn cuts(replaces: bool, way: Way, hows: &[Cut]) -> Vec<Lost> {
    let scene = Scene::new(replaces, way);
    scene.stage.list().go().assert_exit(0);
    let said = scene.wire.as_ref().unwrap().said();
    let whole = (way == Way::Wire).then_some(said.len());
    let cut = |at: usize| {
        let context = said[at.saturating_sub(24)..at].escape_ascii().to_string();
        hows.iter().map(move |how| Lost { replaces, way, at, how: *how, context: context.clone(), whole })
    };
    (0..=said.len()).flat_map(cut).collect()
}

#[test]
fn a_refresh_whose_answer_is_lost_at_any_octet_leaves_a_good_token_or_says_what_to_do() {
    let mut tally = Tally::new("line-cut sweep, tokens");
    for replaces in [true, false] {
        let all = cuts(replaces, Way::Wire, &[Cut::Close, Cut::Reset]);
        let chosen = |at: usize, cut: &Lost| at.is_multiple_of(11) || cut.context.ends_with("\\n");
        tally.sweep(&all, chosen, Lost::play);
    }
    for (way, hows, step, whole_step) in [
        (Way::Wire, &[Cut::Silence][..], 97, 7),
        (Way::TlsWire, &[Cut::Close, Cut::Reset], 211, 3),
        (Way::TlsWire, &[Cut::Silence], 997, 61),
    ] {
        let all = cuts(true, way, hows);
        let (step, of) = (if full() { whole_step } else { step }, all.len());
        let some: Vec<Lost> =
            all.into_iter().enumerate().filter(|(at, _)| at % step == 0).map(|(_, cut)| cut).collect();
        tally.leave_out(of - some.len());
        tally.sweep(&some, |_, _| true, Lost::play);
    }
    tally.end();
}
