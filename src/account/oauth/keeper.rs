//! Where the tokens of an account are kept: in a file of postie's, or by the user's commands. Either way a lock is held
//! from reading the old tokens on until the new ones are safe.

use super::grant::Grant;
use super::held::{HeldToken, Useless};
use super::patience::{Seen, see_through};
use super::settings::TokenStore;
use crate::account::{Env, command, drain};
use crate::net::{Limits, Stop};
use crate::process::Program;
use crate::store::{AtStage as _, LockedTokens, NextTokens, StoreError, TokenFile};
use crate::words::{Failure, Kind, Stage};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long to wait for another run that is about to get new tokens.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

/// How long a command may still take to keep tokens after a signal, or after the end of the run.
const GRACE: Duration = Duration::from_secs(5);

/// Keeps the tokens of one account.
pub struct Keeper<'a> {
    grant: &'a Grant,
    limits: &'a Limits,
    /// The file, or of other keepers the one whose lock counts.
    file: Result<TokenFile, Failure>,
    commands: Option<KeeperCommands<'a>>,
}

#[derive(Clone, Copy)]
struct KeeperCommands<'a> {
    load: &'a Program,
    save: &'a Program,
}

impl<'a> Keeper<'a> {
    /// The keeper of what belongs to this client.
    pub fn new(grant: &'a Grant, client_id: &str, env: &Env, limits: &'a Limits) -> Self {
        let user = grant.user.as_deref().unwrap_or_default();
        let readable = grant.user.as_deref().unwrap_or(client_id);
        let parts = [grant.issuer.as_str(), client_id, user];
        let file = env.state_dir().map(|state| TokenFile::of(&state, readable, &parts));
        let settings = &grant.settings;
        let commands = match (settings.token_store, &settings.token_load, &settings.token_save) {
            (TokenStore::Command, Some(load), Some(save)) => Some(KeeperCommands { load, save }),
            _ => None,
        };
        Keeper { grant, limits, file, commands }
    }

    /// Where that is, for people.
    pub fn place(&self) -> String {
        match (&self.commands, &self.file) {
            (Some(_), _) => format!("{}.token-load", self.grant.place),
            (None, Ok(file)) => file.path().display().to_string(),
            (None, Err(_)) => self.grant.place.clone(),
        }
    }

    /// Whether commands keep them.
    pub fn is_by_command(&self) -> bool {
        self.commands.is_some()
    }

    /// What is kept. Fails with `config` where that cannot be told, and as the commands do.
    pub fn load(&self) -> Result<Option<HeldToken>, Failure> {
        let octets = match self.commands {
            Some(KeeperCommands { load, .. }) => {
                Some(command::keep(load, None, &format!("{}.token-load", self.grant.place), self.limits)?)
            }
            None => self.file()?.read().at(Stage::Token)?,
        };
        let Some(octets) = octets else { return Ok(None) };
        HeldToken::read(&octets).map_err(|useless| self.useless(useless))
    }

    /// Waits until no other run changes them, and keeps others off. Fails with [`Kind::Locked`].
    pub fn lock(&self) -> Result<Locked<'_>, Failure> {
        let wait = self
            .limits
            .end
            .map_or(PATIENCE, |end| PATIENCE.min(end.saturating_duration_since(Instant::now())));
        let stop = || self.limits.stop.raised();
        let locked = match self.file() {
            Ok(file) => {
                file.lock(wait, &stop).map_err(|error| (is_place_bad(&error), error.failure(Stage::Token)))
            }
            Err(failure) => Err((true, failure)),
        };
        match locked {
            Ok(lock) => Ok(Locked { keeper: self, lock: Some(lock) }),
            // Their own keeper has no lock that two machines could share either.
            Err((true, _)) if self.commands.is_some() => Ok(Locked { keeper: self, lock: None }),
            Err((true, failure)) => Err(unkept(failure)),
            Err((false, failure)) => Err(failure.scoped(crate::words::Scope::Account)),
        }
    }

    fn file(&self) -> Result<&TokenFile, Failure> {
        self.file.as_ref().map_err(Clone::clone)
    }

    fn useless(&self, useless: Useless) -> Failure {
        let (what, hint) = match useless {
            Useless::Damaged => ("it holds no tokens of postie's", self.grant.login_command()),
            Useless::TooNew => ("a newer postie wrote it", "use that".into()),
        };
        let failure = Failure::new(Kind::Config, Stage::Token, format!("reading the tokens: {what}"));
        failure.at(self.place()).hint(match useless {
            Useless::Damaged => format!("`{hint}` makes new ones"),
            Useless::TooNew => hint,
        })
    }
}

/// Whether nothing can be written where the file should be.
fn is_place_bad(error: &StoreError) -> bool {
    matches!(error, StoreError::CannotCreate { .. } | StoreError::NoDirectory { .. } | StoreError::Io { .. })
}

/// New tokens could not be kept, so none are asked for: the old ones may hold no more once there are new ones.
fn unkept(failure: Failure) -> Failure {
    failure.hint(
        "a refresh token that is replaced must be kept: make the directory writable, or use token-store = \"command\"; \
         where nothing can be kept, POSTIE_OAUTH_REFRESH_TOKEN gives one for the run",
    )
}

/// The tokens, which no other run changes meanwhile.
pub struct Locked<'a> {
    keeper: &'a Keeper<'a>,
    lock: Option<LockedTokens>,
}

impl Locked<'_> {
    /// What is kept now.
    pub fn load(&self) -> Result<Option<HeldToken>, Failure> {
        match (&self.lock, self.keeper.commands) {
            (Some(lock), None) => {
                let Some(octets) = lock.read().at(Stage::Token)? else { return Ok(None) };
                HeldToken::read(&octets).map_err(|useless| self.keeper.useless(useless))
            }
            _ => self.keeper.load(),
        }
    }

    /// Makes sure that new tokens can be kept, before any are asked for.
    pub fn prepare(&self) -> Result<Room<'_>, Failure> {
        let next = match (&self.lock, self.keeper.commands) {
            (Some(lock), None) => Some(lock.prepare().at(Stage::Token).map_err(unkept)?),
            _ => None,
        };
        Ok(Room { keeper: self.keeper, lock: self.lock.as_ref(), next })
    }

    /// Forgets them.
    pub fn remove(&self, held: &HeldToken) -> Result<(), Failure> {
        match (&self.lock, self.keeper.commands) {
            (Some(lock), None) => lock.remove().at(Stage::Token),
            _ => {
                let mut empty = held.clone();
                (empty.access_token, empty.refresh_token) = (None, None);
                Room { keeper: self.keeper, lock: None, next: None }.put(&empty)
            }
        }
    }
}

/// Room for new tokens.
pub struct Room<'a> {
    keeper: &'a Keeper<'a>,
    lock: Option<&'a LockedTokens>,
    next: Option<NextTokens<'a>>,
}

impl Room<'_> {
    /// Keeps them. What is kept is durable when it returns.
    pub fn put(self, held: &HeldToken) -> Result<(), Failure> {
        let octets = held.write();
        if let Some(KeeperCommands { save, .. }) = self.keeper.commands {
            return self.by_command(save, octets).map_err(|failure| {
                let login = self.keeper.grant.login_command();
                failure
                    .hint(format!("mend the command; if the next run is refused, `{login}` makes new tokens"))
            });
        }
        let (Some(lock), Some(next)) = (self.lock, self.next) else { return Ok(()) };
        let Err(_) = next.put(&octets) else { return Ok(()) };
        // With another file: a call that failed once must not cost what can be granted only by a person.
        lock.prepare().and_then(|next| next.put(&octets)).at(Stage::Token).map_err(|failure| {
            let login = self.keeper.grant.login_command();
            failure.hint(format!(
                "the new tokens could not be kept: mend that; if the next run is refused, `{login}` makes new ones"
            ))
        })
    }

    /// Has the command keep them. They may be all that is left of the grant: neither a signal nor the end of the run
    /// cuts it short at once.
    fn by_command(&self, save: &Program, octets: Zeroizing<Vec<u8>>) -> Result<(), Failure> {
        let place = format!("{}.token-save", self.keeper.grant.place);
        let failed = |kind, what: &str| drain::failure(kind, format!("{place}: keeping the tokens: {what}"));
        let limits = self.keeper.limits;
        let patient = Limits {
            stop: Stop::default(),
            end: limits.end.map(|end| end.max(Instant::now() + GRACE)),
            ..limits.clone()
        };
        let (save, own_place) = (save.clone(), place.clone());
        let saving = move || command::keep(&save, Some(&octets), &own_place, &patient).map(drop);
        match see_through(limits, GRACE, saving) {
            Ok(Seen::Done(kept)) => kept,
            Ok(Seen::Stopped) => Err(failed(Kind::Interrupted, "stopped by a signal")),
            Ok(Seen::Lost) => Err(failed(Kind::Internal, "it ended without a result")),
            Err(error) => Err(failed(Kind::Deferred, &format!("starting a thread: {error}"))),
        }
    }
}
