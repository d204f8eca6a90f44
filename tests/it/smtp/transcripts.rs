//! Every SMTP transcript, played to the job over a scripted link, split and cut off at every octet that the
//! server sends, and to the binary over loopback with real TLS.
//!
//! `-- client` has the options and recipients of `send`; `-- outcome` the exit code, the status of the receipt
//! and that of each recipient. A transcript that has AUTH is played with a login.

use super::job::statuses;
use super::*;
use crate::support::leak;
use crate::support::link::{Cut, Seen};
use crate::support::peer::Phase;
use crate::support::player::Player;
use crate::support::pop3d::{SECRET, USER, stuffed};
use crate::support::script::{Script, Step};
use crate::world;
use postie::words::Stage;
use postie::work::send::{Options, SendJob, check, send};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Duration;

/// The message, 113 octets of it.
const MESSAGE: &str = "From: ana@example.org\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n\
                       Message-ID: <once@example.org>\r\n\r\n.\r\n..dots\r\ntext\r\n";

struct Dialogue {
    name: String,
    script: Script,
    security: Security,
    logs_in: bool,
}

/// Exit code, status of the receipt, status of each recipient; and how many sessions it took.
#[derive(Debug, PartialEq)]
struct Told(u8, String, Vec<String>, usize);

impl Dialogue {
    fn all() -> Vec<Dialogue> {
        Script::names("smtp").into_iter().map(Dialogue::of).collect()
    }

    fn of(name: String) -> Dialogue {
        let script = Script::load(&format!("smtp/{name}"));
        let has = |wanted: &dyn Fn(&Step) -> bool| script.connections.concat().iter().any(wanted);
        let security = match script.implicit_tls {
            true => Security::Implicit,
            false if has(&|step| *step == Step::Tls) => Security::StartTls,
            false => Security::None,
        };
        let logs_in = has(&|step| expects(step, b"AUTH"));
        Dialogue { name, script, security, logs_in }
    }

    /// The outcome that the transcript expects.
    fn wanted(&self) -> Told {
        let (told, recipients) = self.script.outcome.split_once(": ").expect("an outcome");
        let (code, status) = told.split_once(' ').expect("a code and a status");
        let recipients = recipients.split(' ').map(str::to_owned).collect();
        Told(code.parse().unwrap(), status.to_owned(), recipients, self.script.connections.len())
    }

    /// Whether the message is sent whole, in one transaction of one session.
    fn is_plain(&self) -> bool {
        let mails = self.script.connections.concat().iter().filter(|step| expects(step, b"MAIL")).count();
        mails == 1 && self.script.outcome == "0 accepted: accepted"
    }

    /// The job over scripted links, one for each connection.
    fn play(&self, cut: Cut) -> (Told, Vec<Seen>) {
        let links = ScriptLink::each(&self.script, cut);
        let ahead: RefCell<VecDeque<ScriptLink>> = RefCell::new(links.iter().cloned().collect());
        let connect = || match ahead.borrow_mut().pop_front() {
            Some(link) => Ok(link.wire(Limits::default())),
            None => Err(Failure::new(Kind::Config, Stage::Connect, "an unforeseen connection")),
        };
        let mut options = Options { first_pause: Duration::from_millis(1), ..Options::default() };
        let (mut checks, mut to) = (false, Vec::new());
        let mut words = self.script.client.split(' ');
        while let Some(word) = words.next() {
            match word {
                "--check" => checks = true,
                "--on-rejected" if words.next() == Some("send") => options.on_rejected = OnRejected::Send,
                "--retry-for" if words.next() == Some("1m") => {
                    options.retry_for = Some(Duration::from_secs(60));
                }
                address => to.push(address),
            }
        }
        let mut outgoing = super::job::message("ana@example.org", &to, MESSAGE.as_bytes());
        static TLS: OnceLock<Tls> = OnceLock::new();
        let tls = TLS.get_or_init(|| Tls::prepare(&TlsSettings::default(), &Limits::default()).unwrap());
        let mut login = login(None);
        (login.credentials.user, login.credentials.secret) = (USER.into(), Secret::new(SECRET));
        let endpoint = Endpoint { carries_secret: self.logs_in, ..endpoint(self.security) };
        let name = EhloName::domain("client.example.org").unwrap();
        let login = self.logs_in.then_some(&login);
        let opening = Opening { endpoint: &endpoint, tls: Some(tls), login, name: Some(&name) };
        let job = SendJob {
            opening,
            login: None,
            connect: &connect,
            limits: &Limits::default(),
            options: &options,
        };
        let report = if checks { check(&job, &mut outgoing) } else { send(&job, &mut outgoing, &mut |_| {}) };
        let recipients = statuses(&report).into_iter().map(str::to_owned).collect();
        let status = report.receipt.status.name().to_owned();
        let told = Told(report.exit.code(), status, recipients, report.receipt.attempts as usize);
        (told, links.iter().map(ScriptLink::seen).collect())
    }
}

fn expects(step: &Step, verb: &[u8]) -> bool {
    matches!(step, Step::Expect(pattern) if pattern.text().starts_with(verb))
}

/// What the client sent in these phases.
fn octets(seen: &[Seen], phases: &[Phase]) -> Vec<u8> {
    let sent = seen.iter().flat_map(|seen| &seen.sent).filter(|(phase, _)| phases.contains(phase));
    sent.flat_map(|(_, octets)| octets.clone()).collect()
}

/// How often the whole content was sent, by DATA or by BDAT.
fn contents(sent: &[u8]) -> usize {
    let by_data = stuffed(MESSAGE.as_bytes());
    let by_chunk = format!("BDAT {} LAST\r\n{MESSAGE}", MESSAGE.len());
    [&by_data[..], by_chunk.as_bytes()].iter().map(|form| memchr::memmem::find_iter(sent, form).count()).sum()
}

#[test]
fn every_transcript_is_followed_at_every_split_and_has_its_outcome() {
    for dialogue in Dialogue::all() {
        let name = &dialogue.name;
        let (told, seen) = dialogue.play(Cut::Nowhere);
        assert_eq!(told, dialogue.wanted(), "{name}: {:#?}", seen.last().map(|seen| &seen.deviations));
        let sent = octets(&seen, &[Phase::Plain, Phase::Tls]);
        assert!(contents(&sent) >= usize::from(told.2.contains(&"accepted".to_owned())) || name == "check");
        leak::assert_absent(&octets(&seen, &[Phase::Plain]), SECRET, name);
        assert_eq!(leak::find(&octets(&seen, &[Phase::Tls]), SECRET).is_some(), dialogue.logs_in, "{name}");
        let most = seen.iter().map(|seen| seen.served).max().unwrap();
        for cut in
            [Cut::Nowhere].into_iter().chain((1..most).map(Cut::At)).chain([1, 2, 3, 7].map(Cut::Every))
        {
            let (told, seen) = dialogue.play(cut);
            assert_eq!(told, dialogue.wanted(), "{name}, {cut:?}");
            for seen in seen {
                let kept = seen.deviations.is_empty() && !seen.unfinished;
                assert!(kept, "{name}, {cut:?}: {:?}", seen.deviations);
            }
        }
    }
}

#[test]
fn a_lost_connection_is_temporary_before_the_end_of_the_content_and_unknown_after_it() {
    let mut played = 0;
    for dialogue in Dialogue::all().iter().filter(|dialogue| dialogue.is_plain()) {
        let served = dialogue.play(Cut::Nowhere).1[0].served;
        let mut verdicts = Vec::new();
        for octets_served in 0..=served {
            let (told, seen) = dialogue.play(Cut::Off(octets_served));
            let handed_over = contents(&octets(&seen, &[Phase::Plain, Phase::Tls])) == 1;
            assert_eq!(told.0 == 75, !handed_over, "{}, {octets_served}: {told:?}", dialogue.name);
            verdicts.push(told.0);
        }
        verdicts.dedup();
        assert_eq!(verdicts, [75, 79, 0], "{}: in this order, each once", dialogue.name);
        played += 1;
    }
    assert!(played > 5, "{played}");
}

#[test]
fn the_binary_follows_every_transcript() {
    for dialogue in Dialogue::all() {
        for split in [None, Some(1)] {
            let mut script = dialogue.script.clone();
            let pieces = split.map(Step::Split);
            script.connections.iter_mut().for_each(|steps| drop(steps.splice(0..0, pieces.clone())));
            let mut player = Player::start(&script);
            if dialogue.security != Security::None {
                player = player.guard(SECRET);
            }
            let scheme = match dialogue.security {
                Security::Implicit => "smtps",
                Security::StartTls => "smtp",
                Security::None => "smtp+insecure",
            };
            let user = if dialogue.logs_in { "ana@" } else { "" };
            let world = world();
            let url = format!("{scheme}://{user}localhost:{}", player.port());
            let run = world.at_url(&url, "send").args(["-f", "ana@example.org"]);
            let run = run.args(["--ehlo-name", "client.example.org"]).args(dialogue.script.client.split(' '));
            let outcome = run.arg("--raw").stdin(MESSAGE).go();
            player.assert_followed();
            let receipt = &outcome.of_type("receipt")[0];
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            let recipients = receipt["recipients"].as_array().unwrap().iter();
            let told = Told(
                u8::try_from(outcome.code.unwrap()).unwrap(),
                text(&receipt["status"]),
                recipients.map(|recipient| text(&recipient["status"])).collect(),
                receipt["attempts"].as_u64().unwrap() as usize,
            );
            assert_eq!(told, dialogue.wanted(), "{}: {outcome:?}", dialogue.name);
        }
    }
}
