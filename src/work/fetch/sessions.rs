//! The sessions of an account's run: after one failed, the next one does it differently, or leaves a message out.

mod trouble;

use super::once::OncePerMessage;
use super::run::{Mode, Run, now};
use super::{Event, FetchJob, Observer, SessionOutcome, Trouble, fetch};
use crate::mailbox::Remedy;
use crate::store::{Ledger, Sink, Trait};
use crate::words::{After, Exit, Failure, Kind, Stage};
use crate::work::access::SessionMode;
use crate::work::plan::Policy;
use crate::work::service::OpenedMailbox;

/// The most messages that may break the dialogue in one run, before the server is given up.
const MOST_SPOILED: usize = 16;
/// At how many messages in a row, with none fetched in between, the line may be lost twice before it is given up.
const MOST_IN_A_ROW: usize = 2;
/// How often the line may be lost in one run.
const MOST_LOST: usize = 100;
/// The most sessions of one run: a server may list new messages for ever.
const MOST_SESSIONS: usize = 1000;

/// Whether the run goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Another,
    End,
}

pub(super) struct Sessions<'a> {
    run: &'a Run,
    ledger: &'a mut Ledger,
    sink: &'a mut dyn Sink,
    observer: OncePerMessage<'a>,
    /// The result of the sessions so far.
    total: SessionOutcome,
    mode: SessionMode,
    policy: Policy,
    /// How many messages were known when the run began.
    known: Option<u64>,
    /// Whether the server is suspected to fail with PIPELINING.
    suspected: bool,
    /// Whether the line was lost after the early listings, which may be no accident.
    lost_after_login: bool,
    /// How often the line was lost.
    lost: usize,
    /// At how many messages in a row it was lost twice.
    in_a_row: usize,
    /// How many too large messages ended a session.
    gave_up_large: usize,
    /// Why the run was given up, although another session follows to make the deletions.
    given_up: Option<Failure>,
    /// Why the server could not make the deletions, while what was held back for their sake is fetched. Then they are
    /// tried once more: what is fetched by then is not in their way.
    put_off: Option<Failure>,
}

impl<'a> Sessions<'a> {
    pub fn new(
        run: &'a Run,
        ledger: &'a mut Ledger,
        sink: &'a mut dyn Sink,
        observer: &'a mut dyn Observer,
    ) -> Self {
        let (mode, policy) = (SessionMode::remembered(ledger), run.policy.clone());
        let (total, observer) = (SessionOutcome::default(), OncePerMessage::new(observer));
        Sessions {
            run,
            ledger,
            sink,
            observer,
            total,
            mode,
            policy,
            known: None,
            suspected: false,
            lost_after_login: false,
            lost: 0,
            in_a_row: 0,
            gave_up_large: 0,
            given_up: None,
            put_off: None,
        }
    }

    /// Runs sessions to the end; `first` is open already.
    pub fn go(mut self, first: OpenedMailbox) -> Exit {
        let mut first = Some(first);
        for _ in 0..MOST_SESSIONS {
            let outcome = self.session(first.take());
            if self.judge(outcome) == Next::End {
                break;
            }
        }
        self.learn();
        self.observer.keep();
        self.total.ended = self.given_up.or(self.put_off).or(self.total.ended);
        let exit = self.total.exit();
        if exit == Exit::Ok && self.total.delivered + self.total.deleted == 0 {
            self.observer.event(Event::NothingNew(self.total.known));
        }
        if let Some(failure) = self.total.ended {
            self.observer.event(Event::Ended(failure));
        }
        exit
    }

    fn session(&mut self, opened: Option<OpenedMailbox>) -> SessionOutcome {
        let Run { service, limits, policy, .. } = self.run;
        self.policy.limit = policy.limit.map(|limit| limit.saturating_sub(self.total.delivered));
        let mode = self.mode;
        let opened = opened.unwrap_or_else(|| service.open(limits, &mut || mode));
        let job = FetchJob {
            ledger: &mut *self.ledger,
            sink: &mut *self.sink,
            policy: &self.policy,
            observer: &mut self.observer,
            now: now(),
            others: &self.run.others,
            is_first: self.known.is_none(),
        };
        session(opened, job)
    }

    /// Adds the result of a session, and decides whether another follows.
    fn judge(&mut self, mut outcome: SessionOutcome) -> Next {
        (self.mode.again, self.mode.busy) = (true, false);
        // The first listing decides how many messages were known.
        if outcome.listed {
            self.total.known = *self.known.get_or_insert(outcome.known);
        }
        self.total.unnamed += outcome.unnamed;
        self.total.delivered += outcome.delivered;
        self.total.deleted += outcome.deleted;
        self.total.undeleted += outcome.undeleted;
        self.policy.done.extend(outcome.done.drain(..));
        if outcome.delivered > 0 {
            self.in_a_row = 0;
        }
        let over = self.run.limits.stop.raised() || self.run.limits.run_over();
        if outcome.gave_up_large && self.gave_up_large < MOST_SPOILED && !over {
            self.gave_up_large += 1;
            self.observer.keep();
            self.total.failed.append(&mut outcome.failed);
            return Next::Another;
        }
        let Some(trouble) = outcome.setback.take().filter(|_| !over) else { return self.conclude(outcome) };
        match (trouble.remedy, self.mode.after(trouble.remedy)) {
            (Remedy::LoginAlone, Some(mode)) => self.after_login(mode, outcome),
            (Remedy::WithoutPipelining, Some(mode)) => {
                let text = "the server announces PIPELINING, but fails with it: going on without";
                self.suspected = true;
                self.otherwise(text, mode, outcome, trouble)
            }
            (Remedy::WithBareLines, Some(mode)) => {
                let text = "the server ends the lines of messages in a bare LF: going on with that";
                self.otherwise(text, mode, outcome, trouble)
            }
            (Remedy::Again, _) => self.lost(outcome, trouble),
            _ => self.spoiled(outcome, trouble),
        }
    }

    /// Whether another login is allowed and makes sense.
    fn may_go_on(&self, outcome: &SessionOutcome) -> bool {
        outcome.login_delay == 0 && self.lost < MOST_LOST
    }

    /// Goes on in a new session; if there is none, this failure ended the run.
    fn again(&mut self, failure: Failure) -> Next {
        self.total.ended = Some(failure);
        Next::Another
    }

    fn end(&mut self, failure: Failure) -> Next {
        self.total.ended = Some(failure);
        Next::End
    }

    /// A session came to its end, or nothing can help.
    fn conclude(&mut self, mut outcome: SessionOutcome) -> Next {
        self.observer.keep();
        self.total.failed.append(&mut outcome.failed);
        // If the server cannot be reached again, the failure before that says more.
        if outcome.listed || self.total.ended.is_none() {
            self.total.ended = outcome.ended;
        }
        if outcome.deletions_due && !self.policy.deletions_only {
            self.policy.deletions_only = true;
            return Next::Another;
        }
        if self.total.ended.is_none() && self.put_off.take().is_some() {
            self.policy.after = self.run.policy.after.clone();
            self.policy.deletions_only = true;
            return Next::Another;
        }
        let progress = outcome.delivered + outcome.deleted > 0;
        let held = outcome.held && outcome.login_delay == 0 && !self.policy.deletions_only;
        if held && self.policy.after != After::Keep && self.is_refused(progress) {
            self.put_off = self.total.ended.take();
            self.policy.after = After::Keep;
            return Next::Another;
        }
        let held = held && progress;
        let more = self.run.mode == Mode::FetchUntilEmpty && outcome.delivered > 0;
        let room = self.run.policy.limit.is_none_or(|limit| self.total.delivered < limit);
        if self.total.ended.is_some() || !(held || more && room) {
            return Next::End;
        }
        if outcome.login_delay > 0 {
            self.observer.event(Event::Note(format!(
                "the server wants {} s between two logins: the rest is left for the next run",
                outcome.login_delay
            )));
            return Next::End;
        }
        Next::Another
    }

    /// Whether the server makes no deletions: it cannot, or has refused each, which `progress` would show.
    fn is_refused(&self, progress: bool) -> bool {
        self.total.ended.as_ref().map_or(!progress, |failure| failure.kind() == Kind::Missing)
    }

    /// Records what a completed run has shown about the server.
    fn learn(&mut self) {
        if self.total.ended.is_some() {
            return;
        }
        let mut traits = Vec::new();
        traits.extend((self.suspected && self.in_a_row == 0).then_some(Trait::BreaksPipelining));
        traits.extend(self.lost_after_login.then_some(Trait::LosesBehindLogin));
        traits.extend(self.mode.bare_lines.then_some(Trait::BareLines));
        for one in traits {
            if let Err(error) = self.ledger.note_trait(one) {
                self.total.ended = Some(error.failure(Stage::Ledger));
            }
        }
    }
}

/// Runs one session.
fn session(opened: OpenedMailbox, job: FetchJob<'_>) -> SessionOutcome {
    let maildrop = match opened {
        Ok(opened) => opened,
        // Perhaps the server could not take the flight of the login.
        Err(error) => {
            let trouble = |remedy| Trouble { remedy, row: None, deleting: false };
            let setback = error.remedy.map(trouble);
            return SessionOutcome { ended: Some(error.failure), setback, ..SessionOutcome::default() };
        }
    };
    let terms = maildrop.terms();
    if terms.expires_at_once && job.policy.after != After::Delete {
        job.observer.event(Event::Note(
            "the server announces EXPIRE 0: it may delete fetched messages by itself".into(),
        ));
    }
    if terms.login_delay > 0 {
        job.observer.event(Event::LoginDelay(terms.login_delay));
    }
    SessionOutcome { login_delay: terms.login_delay, ..fetch(maildrop, job) }
}
