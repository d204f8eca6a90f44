//! Gets secrets: from the options, else `$POSTIE_PASSWORD[_FILE]`, else the server's table, else the account's, else
//! the terminal.
//!
//! Only the first source that is set counts: if it fails, so does the login, and no other is tried. A command runs only
//! once in a process, even if several servers need its secret.

use super::Env;
use super::drain;
use super::logins::{AccountLogin, Logins, TokenLogins};
use super::oauth::{Grant, TokenSource};
use super::oauth_env::of_environment;
use super::obtain;
use super::proxy::ProxyAddress;
use super::sasl_command::SaslCommand;
use super::secret_file;
use super::secret_source::{NamedSource, SecretSource};
use super::server::Auth;
use super::server::Server;
use super::terminal;
use crate::codec::sasl::{Credentials, Helper};
use crate::net::small_file::{self, MAX_CERTIFICATES};
use crate::net::{ClientIdentity, IdentityFiles, Limits, Tap};
use crate::process::Program;
use crate::words::{Failure, Kind, Secret};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex, PoisonError};

/// The options for secrets.
#[derive(Clone, Debug, Default)]
pub struct SecretOptions {
    /// `--password-file`, `-fd`, `-env`, `-command` or `--token-command`.
    pub source: Option<SecretSource>,
    /// Never ask on the terminal.
    pub never_ask: bool,
}

/// Gets the secrets of a run, each when it is needed, and only once.
pub struct Vault {
    options: SecretOptions,
    env: Env,
    limits: Limits,
    /// Whether it serves many accounts: then only the sources in the configuration count.
    for_many: bool,
    got: Mutex<Vec<(CacheKey, Result<Secret, Failure>)>>,
    /// Where the tokens of each account come from, by the table of the file.
    tokens: Mutex<Vec<(String, Arc<TokenSource>)>>,
    transcript: Option<fn(String) -> Box<dyn Tap>>,
}

#[derive(PartialEq, Eq)]
enum CacheKey {
    Command(Program),
    Descriptor(u32),
    Asked(String),
}

impl Vault {
    /// A command has `limits.timeout` to print its secret.
    pub fn new(options: SecretOptions, env: Env, limits: Limits) -> Self {
        Vault {
            options,
            env,
            limits,
            for_many: false,
            got: Mutex::default(),
            tokens: Mutex::default(),
            transcript: None,
        }
    }

    /// The same, with a transcript of what token servers are asked.
    pub fn with_transcript(self, transcript: Option<fn(String) -> Box<dyn Tap>>) -> Self {
        Vault { transcript, ..self }
    }

    /// From now on serves many accounts: a secret in the environment is for one account, so it is not used. Fails with
    /// [`Kind::Usage`] if an option gives a secret.
    pub fn serve_many(&mut self) -> Result<(), Failure> {
        if let Some(source) = &self.options.source {
            let message = format!("--{}: not together with --all-accounts", source.name());
            let hint = "one secret is for one account: name each account's in the configuration";
            return Err(Failure::usage(message).hint(hint));
        }
        self.for_many = true;
        Ok(())
    }

    /// What is needed to log in to `server`; `None`: without a login. Fails with [`Kind::Config`] if there is no secret,
    /// [`Kind::Interrupted`], or [`Kind::Timeout`].
    pub fn login(&self, server: &Server) -> Result<Option<AccountLogin>, Failure> {
        let Some(user) = server.username.clone() else { return Ok(None) };
        if let Some(tokens) = self.tokens(server)? {
            return TokenLogins::new(tokens, server, user).next().map(Some);
        }
        let at = |failure: Failure| failure.at(server.place());
        let named = |secret| Credentials { user, secret, host: server.host.clone(), port: server.port };
        if !self.gives_secret(server) {
            let helper = self.helper(server);
            return Ok(Some(AccountLogin { credentials: named(Secret::new("")), is_token: false, helper }));
        }
        let (secret, is_token) = match self.stated(server) {
            Some(NamedSource { source, by }) => {
                let secret = self.get(&source, &by).map_err(at)?;
                (secret, matches!(source, SecretSource::TokenCommand(_)))
            }
            None => (self.ask(server).map_err(at)?, false),
        };
        let is_token = is_token || server.auth.wants_token();
        Ok(Some(AccountLogin { credentials: named(secret), is_token, helper: None }))
    }

    /// What plays the mechanism of a server, if postie does not.
    fn helper(&self, server: &Server) -> Option<Arc<dyn Helper>> {
        let service = server.protocol.service_name();
        if let Some(program) = &server.sasl_command {
            return Some(Arc::new(SaslCommand::new(program.clone(), service, self.limits.clone())));
        }
        #[cfg(feature = "gssapi")]
        if server.auth == super::Auth::Sasl(crate::codec::sasl::Mechanism::Gssapi) {
            return Some(Arc::new(super::kerberos::Kerberos::new(service, self.limits.clone())));
        }
        None
    }

    /// Gets the password for the proxy of `server`, if its user needs one. Fails with [`Kind::Config`],
    /// [`Kind::Interrupted`], or [`Kind::Timeout`].
    pub fn open_proxy(&self, server: &mut Server) -> Result<(), Failure> {
        let Some(ProxyAddress { user: Some(_), .. }) = server.proxy.address() else { return Ok(()) };
        let at = |failure: Failure| failure.at(server.place());
        let Some(NamedSource { source, by }) = server.proxy.passwords.0.first() else {
            let message = "proxy: getting the password: none is configured".to_owned();
            let hint = "proxy-password-command, proxy-password-file or proxy-password-env beside proxy";
            return Err(at(drain::failure(Kind::Config, message).hint(hint)));
        };
        server.proxy.password = Some(self.get(source, by).map_err(at)?);
        Ok(())
    }

    /// Whether a login to `server` takes a secret: not where a certificate says who the client is, and no secret is named
    /// anywhere.
    fn gives_secret(&self, server: &Server) -> bool {
        let by_certificate = server.auth == Auth::Auto && server.tls.client_certificate.is_some();
        let is_named = self.stated(server).is_some() || server.oauth.is_some();
        server.wants_secret() && (is_named || !by_certificate)
    }

    /// The client's own certificate for `server`, if there is one. Fails with [`Kind::Config`], [`Kind::Interrupted`], or
    /// [`Kind::Timeout`].
    pub fn identity(&self, server: &Server) -> Result<Option<ClientIdentity>, Failure> {
        let Some(certificate) = &server.tls.client_certificate else { return Ok(None) };
        let at = |failure: Failure| failure.at_least_at(server.place());
        let key = server.tls.client_key.as_ref().unwrap_or(certificate);
        let content = small_file::read(certificate, MAX_CERTIFICATES, &self.limits).map_err(|unread| {
            let message = format!("{}: reading the client certificate: {unread}", certificate.display());
            at(Failure::config(message).as_kind(unread.kind()))
        })?;
        let secret = secret_file::content(key, "client-key", &self.env, &self.limits).map_err(at)?;
        let passphrase = match server.key_passphrases.0.first() {
            Some(NamedSource { source, by }) => Some(self.get(source, by).map_err(at)?),
            None => None,
        };
        let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
        let files = IdentityFiles { certificate: &certificate, key: &key };
        ClientIdentity::read(&content, &secret, passphrase.as_ref(), &files).map(Some).map_err(at)
    }

    /// What gives the logins to `server`; `None`: without a login. Passwords are got now, tokens when they are wanted.
    /// Fails as [`Vault::login`].
    pub fn logins(&self, server: &Server) -> Result<Option<Arc<dyn Logins>>, Failure> {
        if let (Some(user), Some(tokens)) = (&server.username, self.tokens(server)?) {
            return Ok(Some(Arc::new(TokenLogins::new(tokens, server, user.clone()))));
        }
        Ok(self.login(server)?.map(|login| Arc::new(login) as Arc<dyn Logins>))
    }

    /// The same for later in the run.
    pub fn logins_again(&self, server: &Server) -> Result<Option<Arc<dyn Logins>>, Failure> {
        match self.tokens(server)? {
            Some(_) => self.logins(server),
            None => Ok(self.login_again(server)?.map(|login| Arc::new(login) as Arc<dyn Logins>)),
        }
    }

    /// Where the tokens for `server` come from, if logins to it are by tokens of an authorization server.
    pub fn tokens(&self, server: &Server) -> Result<Option<Arc<TokenSource>>, Failure> {
        let Some(grant) = self.grant(server)? else { return Ok(None) };
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = tokens.iter().find(|(place, _)| *place == grant.place) {
            return Ok(Some(Arc::clone(known)));
        }
        let (place, common) = (grant.place.clone(), (self.env.clone(), self.limits.clone()));
        let ca_file = server.tls.ca_file.as_ref().or(grant.ca_file.as_ref()).cloned();
        let source = TokenSource::new(grant, common, !self.for_many, ca_file, self.transcript);
        let source = Arc::new(source);
        tokens.push((place, Arc::clone(&source)));
        Ok(Some(source))
    }

    /// What is asked of which authorization server for a login to `server`, unless a secret comes first.
    fn grant(&self, server: &Server) -> Result<Option<Arc<Grant>>, Failure> {
        let is_secret_given = || {
            let password =
                ["POSTIE_PASSWORD", "POSTIE_PASSWORD_FILE"].iter().any(|it| self.env.get(it).is_some());
            self.options.source.is_some() || (!self.for_many && password)
        };
        if server.username.is_none() || !server.wants_secret() || is_secret_given() {
            return Ok(None);
        }
        match &server.oauth {
            Some(grant) => Ok(Some(Arc::clone(grant))),
            None if self.for_many || !server.secrets.0.is_empty() => Ok(None),
            None => of_environment(&self.env, server),
        }
    }

    /// The same for another login later in the run: a command is run once more, because a token does not last.
    pub fn login_again(&self, server: &Server) -> Result<Option<AccountLogin>, Failure> {
        if let Some(NamedSource {
            source: SecretSource::Command(line) | SecretSource::TokenCommand(line),
            ..
        }) = self.stated(server)
        {
            let mut got = self.got.lock().unwrap_or_else(PoisonError::into_inner);
            got.retain(|(known, _)| *known != CacheKey::Command(line.clone()));
        }
        self.login(server)
    }

    /// The first source that is set.
    fn stated(&self, server: &Server) -> Option<NamedSource> {
        if let Some(source) = &self.options.source {
            return Some(NamedSource { by: format!("--{}", source.name()), source: source.clone() });
        }
        if self.for_many {
            return server.secrets.0.first().cloned();
        }
        if let Some(password) = self.env.get("POSTIE_PASSWORD") {
            let source = SecretSource::Literal(Secret::new(password.as_bytes()));
            return Some(NamedSource { source, by: "$POSTIE_PASSWORD".into() });
        }
        if let Some(path) = self.env.get("POSTIE_PASSWORD_FILE") {
            let source = SecretSource::File(path.into());
            return Some(NamedSource { source, by: "$POSTIE_PASSWORD_FILE".into() });
        }
        server.secrets.0.first().cloned()
    }

    fn get(&self, source: &SecretSource, by: &str) -> Result<Secret, Failure> {
        let get = || obtain::obtain(source, by, &self.env, &self.limits);
        match source {
            SecretSource::Command(line) | SecretSource::TokenCommand(line) => {
                self.once(CacheKey::Command(line.clone()), get)
            }
            SecretSource::Descriptor(number) => self.once(CacheKey::Descriptor(*number), get),
            _ => get(),
        }
    }

    /// Asks on the terminal, never on standard input.
    fn ask(&self, server: &Server) -> Result<Secret, Failure> {
        let label = server.label();
        if self.options.never_ask || terminal::terminal().is_none() {
            let message = "getting the secret: none is configured, and there is no terminal to ask on";
            let hint = match self.for_many {
                true => {
                    "give password-command, password-file or password-env in the account: options and \
                     POSTIE_PASSWORD are for one account, and not used with --all-accounts"
                }
                false => {
                    "give password-command, password-file or password-env in the account, --password-command, \
                     --password-file, --password-fd or --password-env, or set POSTIE_PASSWORD"
                }
            };
            return Err(drain::failure(Kind::Config, message.into()).hint(hint));
        }
        let what = if server.auth.wants_token() { "Access token" } else { "Password" };
        self.once(CacheKey::Asked(label.clone()), || {
            terminal::ask(&format!("{what} for {label}: "), &self.limits)
        })
    }

    /// Calls `get` only once for each key, also if it fails. Other threads wait meanwhile, so that two accounts do not
    /// ask at the same time.
    fn once(&self, key: CacheKey, get: impl FnOnce() -> Result<Secret, Failure>) -> Result<Secret, Failure> {
        let mut got = self.got.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = got.iter().find(|(known, _)| *known == key) {
            return known.clone();
        }
        let result = get();
        got.push((key, result.clone()));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::super::secret_source::SecretSources;
    use super::super::server::Protocol;
    use super::*;
    use crate::codec::sasl::Mechanism;
    use crate::net::Security;

    fn server(sources: &[SecretSource]) -> Server {
        let mut server = Server::new(Protocol::Pop3, "pop.example.org".into(), Security::Implicit);
        server.username = Some("ana".into());
        let stated = |source: &SecretSource| NamedSource { source: source.clone(), by: source.name().into() };
        server.secrets = SecretSources(sources.iter().map(stated).collect());
        server
    }

    fn vault(option: Option<SecretSource>, variables: &[(&str, &str)]) -> Vault {
        let options = SecretOptions { source: option, never_ask: true };
        Vault::new(options, variables.iter().copied().collect(), Limits::default())
    }

    fn literal(text: &str) -> SecretSource {
        SecretSource::Literal(Secret::new(text))
    }

    fn got(vault: &Vault, server: &Server) -> Vec<u8> {
        vault.login(server).unwrap().unwrap().credentials.secret.expose().to_vec()
    }

    #[test]
    fn the_first_source_that_is_set_counts() {
        let server = server(&[literal("own"), literal("account")]);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "file\n").unwrap();
        let path = file.path().to_str().unwrap();
        let both = [("POSTIE_PASSWORD", "variable"), ("POSTIE_PASSWORD_FILE", path)];
        assert_eq!(got(&vault(Some(literal("option")), &both), &server), b"option");
        assert_eq!(got(&vault(None, &both), &server), b"variable");
        assert_eq!(got(&vault(None, &both[1..]), &server), b"file");
        assert_eq!(got(&vault(None, &[("POSTIE_PASSWORD", "")]), &server), b"own");
    }

    #[test]
    fn a_source_that_fails_is_not_replaced_by_the_next() {
        let failing = SecretSource::Command(Program::shell("exit 1").unwrap());
        let failure = vault(None, &[]).login(&server(&[failing, literal("S3CRET")])).unwrap_err();
        assert_eq!(failure.kind(), Kind::Config);
        assert!(failure.message.starts_with("pop.example.org:995: password-command: "), "{failure}");
    }

    #[test]
    fn variables_that_are_missing_and_secrets_that_break_lines_are_refused() {
        let named = server(&[SecretSource::variable("MY_PW")]);
        assert_eq!(vault(None, &[]).login(&named).unwrap_err().kind(), Kind::Config);
        assert_eq!(vault(None, &[("MY_PW", "")]).login(&named).unwrap_err().kind(), Kind::Config);
        assert_eq!(got(&vault(None, &[("MY_PW", "pw")]), &named), b"pw");
        let failure = vault(None, &[("MY_PW", "S3CRET\r\nDELE 1")]).login(&named).unwrap_err();
        assert!(!failure.message.contains("S3CRET"), "{failure}");
        assert!(vault(None, &[]).login(&server(&[literal("a\nb")])).is_err());
    }

    #[test]
    fn without_any_source_and_terminal_it_says_how_to_give_one() {
        let failure = vault(None, &[]).login(&server(&[])).unwrap_err();
        assert_eq!(failure.kind(), Kind::Config);
        assert!(failure.hint.unwrap().contains("password-command"));
    }

    #[test]
    fn nobody_logs_in_where_there_is_no_user() {
        let mut relay = server(&[literal("pw")]);
        relay.username = None;
        assert!(vault(None, &[]).login(&relay).unwrap().is_none());
    }

    #[test]
    fn a_command_runs_once_for_both_servers_also_when_it_fails() {
        let dir = tempfile::tempdir().unwrap();
        for (end, fine) in [("echo pw", true), ("exit 1", false)] {
            let count = dir.path().join(format!("count{fine}"));
            let line = format!("echo x >> {}; {end}", count.display());
            let shared = server(&[SecretSource::Command(Program::shell(&line).unwrap())]);
            let vault = vault(None, &[]);
            assert_eq!(vault.login(&shared).is_ok(), fine);
            assert_eq!(vault.login(&shared).is_ok(), fine);
            assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n");
        }
    }

    #[test]
    fn tokens_are_known_by_their_source_or_by_the_mechanism() {
        let line = Program::shell("echo token").unwrap();
        let login = vault(None, &[]).login(&server(&[SecretSource::TokenCommand(line)])).unwrap().unwrap();
        assert!(login.is_token);
        let mut explicit = server(&[literal("token")]);
        assert!(!vault(None, &[]).login(&explicit).unwrap().unwrap().is_token);
        explicit.auth = Auth::Sasl(Mechanism::XOAuth2);
        assert!(vault(None, &[]).login(&explicit).unwrap().unwrap().is_token);
    }
}
