//! Watching an account: fetches, waits until there may be new mail, and fetches again.
//!
//! By IMAP the session of the fetch waits in IDLE; else, and by POP3, the server is asked from time to time. Nothing is
//! locked meanwhile, and each fetch is one like any other, so that a watch may be killed at any moment.

use super::news::{BURST, RENEWAL, Times, Wake, await_news, longer};
use super::run::Run;
use super::told::{Ear, Fetched, Reported};
use super::{Event, Observer};
use crate::account::values::show_duration;
use crate::account::{Logins, Protocol, Server};
use crate::codec::imap::MailboxName;
use crate::imap::{Authenticated, Parking};
use crate::streams::{Waited, wait_or_reader_gone};
use crate::words::{After, Exit, Failure, Kind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The first pause after a failure that may pass; each further one is twice as long, up to `every`, but not longer than
/// the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// An IDLE that is lost sooner was none.
const SHORT: Duration = Duration::from_secs(60);
/// How many of them in a row show that the server cannot idle.
const MOST_SHORT: u32 = 3;

/// How often in a row the secret may be missing, before a refused login is believed.
const MOST_STALE: u32 = 3;

/// Gets what is needed for another login.
pub type Renewal<'a> = dyn Fn(&Server) -> Result<Option<Arc<dyn Logins>>, Failure> + Sync + 'a;

/// How an account is watched.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// How long after a fetch the next one follows, where the server does not tell of new mail.
    pub every: Duration,
    pub renew: &'a Renewal<'a>,
}

impl Run {
    /// Fetches as mail arrives, until a signal, the end of the run's time, or a failure that does not pass. Returns the
    /// exit code of what ended it.
    pub fn watch(mut self, watch: Watch<'_>, observer: &mut dyn Observer) -> Exit {
        let parking = Parking::default();
        self.service.parking = Some(parking.clone());
        let idles = self.service.server.protocol == Protocol::Imap;
        let Watch { every, renew } = watch;
        let watcher = Watcher {
            run: self,
            renew,
            every,
            parking: parking.clone(),
            observer,
            told: Reported::default(),
            idles,
            short: 0,
            pause: None,
            last: Exit::Ok,
            works: false,
            announced: false,
            unsure: false,
            stale: 0,
            burst: BURST,
            is_woken: false,
        };
        let exit = watcher.go();
        if let Some(session) = Authenticated::from_parking(&parking) {
            session.logout();
        }
        exit
    }
}

struct Watcher<'a> {
    run: Run,
    renew: &'a Renewal<'a>,
    every: Duration,
    parking: Parking,
    observer: &'a mut dyn Observer,
    told: Reported,
    /// Whether the server tells of new mail, as far as is known.
    idles: bool,
    /// How many sessions in a row were lost soon after IDLE.
    short: u32,
    /// The pause before the next attempt, after failures.
    pause: Option<Duration>,
    /// How the last fetch ended.
    last: Exit,
    /// Whether a fetch has come to its end.
    works: bool,
    announced: bool,
    /// Whether the last fetch followed from nothing but doubt.
    unsure: bool,
    /// How often in a row there was no new secret for another login.
    stale: u32,
    /// How long to wait for more, once the server tells of new mail.
    burst: Duration,
    /// Whether the fetch follows from what the server told.
    is_woken: bool,
}

/// What follows from a fetch.
enum WatchVerdict {
    /// It may work later.
    Later,
    /// It has come to its end; something is left for the next one.
    Rest,
    Done,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Follows {
    Nothing,
    /// It may pass, so another attempt.
    Another,
    /// It stays until something is changed.
    End,
}

/// After the failure that ended a fetch. `works`: one has come to its end before, so that host and port are right.
fn after(kind: Kind, works: bool) -> Follows {
    match kind {
        Kind::Network | Kind::Timeout | Kind::Deferred | Kind::Locked | Kind::LeftByCommand => {
            Follows::Another
        }
        Kind::NoHost | Kind::Protocol if works => Follows::Another,
        _ => Follows::End,
    }
}

/// After the failure that ended the fetch from one folder among several.
fn after_part(kind: Kind, works: bool) -> Follows {
    match kind {
        Kind::Rejected | Kind::Missing | Kind::UidReset | Kind::Protocol | Kind::CannotCreate => {
            Follows::Nothing
        }
        kind => after(kind, works),
    }
}

impl Watcher<'_> {
    fn go(mut self) -> Exit {
        loop {
            let verdict = match self.fetch() {
                Ok(verdict) => verdict,
                Err(exit) => return exit,
            };
            let goes_on = match verdict {
                WatchVerdict::Later => self.pause(),
                WatchVerdict::Rest => self.wait(true),
                WatchVerdict::Done => self.wait(false),
            };
            if !goes_on {
                return self.last;
            }
        }
    }

    /// One fetch; the error is the exit code of the watch that ends with it.
    fn fetch(&mut self) -> Result<WatchVerdict, Exit> {
        if (self.works || self.pause.is_some()) && self.parking.is_empty() {
            self.renew_login()?;
        }
        let limits = self.run.limits.clone();
        let mut ear = Ear::new(&mut *self.observer, &mut self.told, limits);
        let exit = self.run.once(&mut ear);
        let fetched = ear.heard;
        if !fetched.cut.is_empty() {
            return Err(self.cut(fetched, exit));
        }
        self.last = exit;
        if self.over() || self.observer.gone() {
            return Err(exit);
        }
        self.heed_delay(fetched.login_delay);
        self.judge(&fetched, exit)
    }

    /// Gets what is needed for another login. What gives the secret may need the network, too: while that is down, the
    /// old one has to do, and the server's answer decides.
    fn renew_login(&mut self) -> Result<(), Exit> {
        match (self.renew)(&self.run.service.server) {
            Ok(login) => (self.run.service.logins, self.stale) = (login, 0),
            Err(_) if self.pause.is_some() && !self.over() => self.stale += 1,
            Err(failure) => {
                let exit = failure.exit();
                self.observer.event(Event::Ended(failure));
                return Err(exit);
            }
        }
        Ok(())
    }

    /// The end of the time that was given is no failure, unless nothing has ever come.
    fn cut(&mut self, fetched: Fetched, exit: Exit) -> Exit {
        if self.works || fetched.delivered > 0 {
            return self.last;
        }
        fetched.cut.into_iter().for_each(|event| self.observer.event(event));
        exit
    }

    fn judge(&mut self, fetched: &Fetched, exit: Exit) -> Result<WatchVerdict, Exit> {
        let is_one = self.run.folders.is_none();
        let whole = fetched.ended.iter().chain(fetched.folders_ended.iter().filter(|_| is_one));
        let parts = fetched.folders_ended.iter().filter(|_| !is_one);
        let whole = whole.map(|kind| after(*kind, self.works));
        let follows = whole.chain(parts.map(|kind| after_part(*kind, self.works))).max();
        let is_refused = fetched.ended.iter().chain(&fetched.folders_ended).all(|kind| *kind == Kind::Auth);
        match follows.unwrap_or(Follows::Nothing) {
            // By a secret that may be too old.
            Follows::End if is_refused && (1..MOST_STALE).contains(&self.stale) => {
                return Ok(WatchVerdict::Later);
            }
            Follows::End => return Err(exit),
            Follows::Another => return Ok(WatchVerdict::Later),
            Follows::Nothing => {}
        }
        self.works = true;
        if self.pause.take().is_some() {
            self.told.works_again();
            self.observer.event(Event::Note("it works again".into()));
        }
        // A server that tells of new mail where there is none is heeded ever less.
        let in_vain = std::mem::take(&mut self.is_woken) && fetched.delivered == 0;
        self.burst = if in_vain { longer(self.burst) } else { BURST };
        self.announce(fetched.delivered);
        let policy = &self.run.policy;
        let limited = policy.limit.is_some_and(|limit| fetched.delivered >= limit);
        let due_later = matches!(policy.after, After::DeleteAfter(_));
        Ok(if exit != Exit::Ok || limited || due_later || !is_one {
            WatchVerdict::Rest
        } else {
            WatchVerdict::Done
        })
    }

    /// Waits after a failure; `false`: the watch is over.
    fn pause(&mut self) -> bool {
        let most = self.every.min(LONGEST_PAUSE);
        let pause = self.pause.map_or(PAUSE, |pause| pause * 2).min(most);
        self.pause = Some(pause);
        self.sleep(pause)
    }

    /// Waits until there may be new mail, or, where there is a rest, until it is time to look.
    fn wait(&mut self, rest: bool) -> bool {
        let due = Instant::now() + self.every;
        if !self.idles {
            return self.poll();
        }
        let folder = self.folder();
        let began = Instant::now();
        let times = Times { due: rest.then_some(due), burst: self.burst, renewal: RENEWAL };
        let wake = await_news(&self.parking, &folder, times, self.unsure);
        self.unsure = matches!(wake, Wake::Unsure);
        self.is_woken = matches!(wake, Wake::News);
        match wake {
            Wake::News | Wake::Unsure | Wake::Due => {
                self.short = 0;
                let rest = self.burst.saturating_sub(began.elapsed());
                // What was told in vain before is not acted upon at once, however it was told.
                !self.is_woken || self.burst == BURST || self.sleep(rest)
            }
            Wake::Over => false,
            _ if self.over() => false,
            Wake::Lost(failure) => self.lost(began.elapsed() < SHORT, &failure),
            Wake::NoIdle(failure) => {
                self.give_up_idle(failure.as_ref());
                self.poll()
            }
            Wake::NoSession => self.sleep(self.every),
        }
    }

    /// After the session was lost while it waited: a new one, at once where that happens now and then.
    fn lost(&mut self, soon: bool, failure: &Failure) -> bool {
        self.short = if soon { self.short + 1 } else { 0 };
        if self.short < MOST_SHORT {
            return self.short <= 1 || self.sleep(PAUSE.min(self.every));
        }
        self.give_up_idle(Some(failure));
        self.poll()
    }

    fn give_up_idle(&mut self, failure: Option<&Failure>) {
        self.idles = false;
        let every = show_duration(self.every);
        let why = failure.map_or_else(|| "the server has no IDLE".to_owned(), ToString::to_string);
        self.observer.event(Event::Note(format!("{why}: looking for new mail every {every}")));
    }

    /// Waits until the next look. No session is held meanwhile.
    fn poll(&mut self) -> bool {
        if let Some(session) = Authenticated::from_parking(&self.parking) {
            session.logout();
        }
        self.sleep(self.every)
    }

    /// `false`: the watch is over.
    fn sleep(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        matches!(wait_or_reader_gone(None, Some(until), &self.run.limits), Ok(Waited::Due))
    }

    fn over(&self) -> bool {
        self.run.limits.stop.raised() || self.run.limits.run_over()
    }

    /// A server is not asked more often than it wants.
    fn heed_delay(&mut self, seconds: u64) {
        let delay = Duration::from_secs(seconds);
        if delay > self.every {
            self.every = delay;
            self.observer.event(Event::Note(format!(
                "the server wants {seconds} s between two logins: looking for new mail every {}",
                show_duration(delay)
            )));
        }
    }

    /// Which folder the server is to tell of.
    fn folder(&self) -> MailboxName {
        match self.run.folders {
            Some(_) => self.run.watched.clone().unwrap_or_else(MailboxName::inbox),
            None => self.run.service.server.folder_name().unwrap_or_else(MailboxName::inbox),
        }
    }

    fn announce(&mut self, delivered: u64) {
        let what = (!std::mem::replace(&mut self.announced, true)).then(|| match self.idles {
            true => format!("watching {}", self.folder()),
            false => format!("looking for new mail every {}", show_duration(self.every)),
        });
        self.observer.event(Event::Waits { what, delivered });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Follows::{Another, End, Nothing};

    #[test]
    fn what_may_pass_is_tried_again_and_what_stays_ends_the_watch() {
        // Before a fetch has worked and after it; in one folder among several, after it.
        for (kind, first, later, part) in [
            (Kind::Network, Another, Another, Another),
            (Kind::Timeout, Another, Another, Another),
            (Kind::Deferred, Another, Another, Another),
            (Kind::Locked, Another, Another, Another),
            (Kind::NoHost, End, Another, Another),
            (Kind::Protocol, End, Another, Nothing),
            (Kind::Rejected, End, End, Nothing),
            (Kind::Missing, End, End, Nothing),
            (Kind::UidReset, End, End, Nothing),
            (Kind::Auth, End, End, End),
            (Kind::Certificate, End, End, End),
            (Kind::Config, End, End, End),
            (Kind::Storage, End, End, End),
            (Kind::Internal, End, End, End),
        ] {
            let follows = (after(kind, false), after(kind, true), after_part(kind, true));
            assert_eq!(follows, (first, later, part), "{kind:?}");
        }
    }
}
