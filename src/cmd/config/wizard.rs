//! The questions of `postie config add` on a terminal: all that the flags leave open, so that the account
//! fetches and sends when they are answered.

use super::ask::{Asker, wrapped};
use super::draft::{DraftSettings, Given, NewAccount, absolute, server};
use super::find::{self, Finder};
use super::guide::Way;
use super::oauth::{self, Offer};
use crate::account::edit::Setting;
use crate::account::server::{Protocol, Server};
use crate::account::{terminal, url, values};
use crate::net::Limits;
use crate::output::sanitize::safe;
use crate::process::Program;
use crate::streams::StdStream;
use crate::words::{Address, Failure};
use crate::work::discover::Discovery;
use rustix::fd::AsFd as _;
use std::path::Path;

/// Asks for all that the flags leave open. `ahead`: what was typed before it was asked for.
pub fn complete(
    given: Given,
    questions: &Questions<'_>,
    ahead: &mut Vec<u8>,
    limits: &Limits,
) -> Result<NewAccount, Failure> {
    with_asker(ahead, limits, |asker| questions.ask(asker, given))
}

/// What the questions need beside the flags.
pub struct Questions<'a> {
    pub finder: &'a Finder,
    /// Whether to say what every source answered.
    pub is_verbose: bool,
}

/// Asks whether to add an account whose test failed.
pub fn insists(ahead: &mut Vec<u8>, limits: &Limits) -> Result<bool, Failure> {
    with_asker(ahead, limits, |asker| asker.ask("Add it all the same?", Some("no"), yes_or_no))
}

/// Asks how to log in by OAuth2; `None`: not now. `device`: whether a code for another device can be had.
pub fn way_to_log_in(ahead: &mut Vec<u8>, limits: &Limits, device: bool) -> Result<Option<Way>, Failure> {
    let (how, question) = match device {
        true => (
            "  The login: in the browser here (browser), in one elsewhere (paste), with a\n  code on any device (device), or not now (later)\n",
            "browser, paste, device or later",
        ),
        false => (
            "  The login: in the browser here (browser), in one elsewhere (paste), or not\n  now (later)\n",
            "browser, paste or later",
        ),
    };
    with_asker(ahead, limits, |asker| {
        asker.say(how);
        asker.ask(question, Some("browser"), |text| oauth::read_way(text, device))
    })
}

fn with_asker<T>(
    ahead: &mut Vec<u8>,
    limits: &Limits,
    ask: impl FnOnce(&mut Asker<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let stdin = std::io::stdin();
    let mut stderr = StdStream::error();
    let mut asker = Asker { input: stdin.as_fd(), output: &mut stderr, limits, ahead: std::mem::take(ahead) };
    let answer = ask(&mut asker);
    *ahead = asker.ahead;
    answer
}

/// The server to fetch from, and that to send through.
type Pair = (Option<Server>, Option<Server>);

/// Reads an address; who pastes one with a name is told what is wanted, and not to put it in quotes.
fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| match text.ends_with('>') {
        true => "the address alone is wanted, without a name and < >".into(),
        false => error.to_string(),
    })
}

impl Questions<'_> {
    fn ask(&self, asker: &mut Asker<'_>, given: Given) -> Result<NewAccount, Failure> {
        let from_the_start = given.email.is_none() || given.name.is_none() || given.is_address_alone;
        let email = match &given.email {
            Some(email) => email.clone(),
            None => asker.ask("Mail address", None, address)?,
        };
        let name = match &given.name {
            Some(name) => name.clone(),
            None => ask_name(asker, &given.taken, &email)?,
        };
        let display = match &given.display {
            None if from_the_start => {
                Some(asker.ask("Name to show beside the address", Some(""), values::plain_text)?)
            }
            display => display.clone(),
        };
        let mut found = if given.has_servers() { Discovery::default() } else { self.find(asker, &email)? };
        let (mut incoming, mut smtp) = given.servers(&found);
        if incoming.is_none() && smtp.is_none() {
            (incoming, smtp) = ask_servers(asker, None, None)?;
            ask_login(asker, &email, &mut incoming, &mut smtp)?;
        } else if !given.has_servers() {
            if self.finder.must_search(&email)
                && let Some(other) = self.confirm(asker, &email, &found, &incoming, &smtp)?
            {
                (incoming, smtp) = other;
                // What was said of those that were found, who issues their tokens too, may not hold for these.
                found = Discovery::default();
            }
            for remark in find::remarks(&found, given.is_by_token()) {
                asker.say(&wrapped(&safe(&remark)));
            }
        }
        // A server that the flags name without a user has no login, unless there is a secret for it.
        if let Some(server) = smtp.as_mut().filter(|_| given.smtp.is_some() && given.has_login()) {
            server.username.get_or_insert_with(|| email.as_str().to_owned());
        }
        let logs_in = incoming.is_some() || smtp.as_ref().is_some_and(|server| server.username.is_some());
        let secret = match !given.has_login() && logs_in {
            true => match &given.authority {
                Some(authority) => {
                    let client = oauth::ask_client(asker, authority, &name)?;
                    authority.settings(client)
                }
                None => {
                    let issuer = find::issuer(&found);
                    let offer = Offer::of(incoming.iter().chain(&smtp), &email, issuer);
                    ask_secret(asker, offer, &name)?
                }
            },
            false => given.secret,
        };
        let fetch = match given.fetch.is_empty() && incoming.is_some() {
            true => ask_destination(asker, &name)?,
            false => given.fetch,
        };
        let test = given.test || asker.ask("Test it now?", Some("yes"), yes_or_no)?;
        Ok(NewAccount { name, email, display, incoming, smtp, secret, fetch, test, found })
    }

    /// Looks for the servers.
    fn find(&self, asker: &mut Asker<'_>, email: &Address) -> Result<Discovery, Failure> {
        if !self.finder.must_search(email) {
            return self.finder.find(email);
        }
        asker.say(&format!("  looking for the servers of {} …\n", safe(email.domain())));
        let found = self.finder.find(email)?;
        if self.is_verbose {
            for line in find::tried(&found) {
                asker.say(&format!("  {}\n", safe(&line)));
            }
        }
        if found.is_empty() {
            asker.say("  none was found\n");
        }
        Ok(found)
    }

    /// Shows what was found, and asks whether to use it; if not, for other servers.
    fn confirm(
        &self,
        asker: &mut Asker<'_>,
        email: &Address,
        found: &Discovery,
        incoming: &Option<Server>,
        smtp: &Option<Server>,
    ) -> Result<Option<Pair>, Failure> {
        for line in find::describe(found) {
            asker.say(&format!("  {}\n", safe(&line)));
        }
        // What anybody could have said is not used because somebody pressed a key.
        let usual = self.finder.check(found, email).is_ok().then_some("yes");
        let answer =
            asker.ask("Use these? (yes, no, edit)", usual, |text| match text.to_lowercase().as_str() {
                "y" | "yes" => Ok("yes"),
                "n" | "no" => Ok("no"),
                "e" | "edit" => Ok("edit"),
                _ => Err("yes, no or edit".into()),
            })?;
        let (mut incoming, mut smtp) = match answer {
            "yes" => return Ok(None),
            "no" => ask_servers(asker, None, None)?,
            _ => ask_servers(asker, incoming.as_ref(), smtp.as_ref())?,
        };
        ask_login(asker, email, &mut incoming, &mut smtp)?;
        Ok(Some((incoming, smtp)))
    }
}

/// Asks for a name that no account has yet.
fn ask_name(asker: &mut Asker<'_>, taken: &[String], email: &Address) -> Result<String, Failure> {
    let is_free = |name: &str| !taken.iter().any(|known| known == name);
    let domain = email.domain().split('.').next().unwrap_or_default();
    let proposal =
        ["mail", domain].into_iter().find(|name| is_free(name) && values::account_name(name).is_ok());
    asker.ask("Name of the account", proposal, |text| {
        let name = values::account_name(text)?;
        if is_free(&name) {
            Ok(name)
        } else {
            Err(format!("there is an account {name} already (known: {})", taken.join(", ")))
        }
    })
}

/// Asks for the servers; those that were found are proposed.
fn ask_servers(
    asker: &mut Asker<'_>,
    incoming: Option<&Server>,
    smtp: Option<&Server>,
) -> Result<Pair, Failure> {
    asker.say(
        "  The servers: a host, host:port, or a URL (pop3s://HOST is TLS from the start,\n  \
         pop3://HOST an upgrade by STLS; imaps://, imap://, smtps:// and smtp://\n  \
         likewise); empty for none\n",
    );
    let proposal = |server: Option<&Server>| server.map(url::write).unwrap_or_default();
    let mut ask = |question: &str, protocol: Protocol, proposal: &str| {
        asker.ask(question, Some(proposal), |text| match text {
            "" | "none" => Ok(None),
            text => place(text, by_name(text).unwrap_or(protocol)).map(Some),
        })
    };
    loop {
        let question = "Where mail is fetched (POP3, or IMAP by its URL)";
        let incoming = ask(question, Protocol::Pop3, &proposal(incoming))?;
        let smtp = ask("Where mail is sent (SMTP)", Protocol::Smtp, &proposal(smtp))?;
        if incoming.is_some() || smtp.is_some() {
            return Ok((incoming, smtp));
        }
    }
}

/// The protocol, where a scheme or a port says that it is IMAP.
fn by_name(text: &str) -> Option<Protocol> {
    let by_scheme = ["imaps://", "imap://", "imap+insecure://"].iter().any(|scheme| text.starts_with(scheme));
    let by_port = !text.contains("://") && (text.ends_with(":993") || text.ends_with(":143"));
    (by_scheme || by_port).then_some(Protocol::Imap)
}

/// A server as people name it. The port alone says how it is protected, where there is no scheme.
fn place(text: &str, protocol: Protocol) -> Result<Server, String> {
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        // An IPv6 address contains colons, and is in brackets.
        let port = text.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.contains(']'));
        let scheme = match (protocol, port) {
            (Protocol::Pop3, Some("110")) => "pop3",
            (Protocol::Pop3, _) => "pop3s",
            (Protocol::Imap, Some("143")) => "imap",
            (Protocol::Imap, _) => "imaps",
            (Protocol::Smtp, Some("25" | "587" | "2525")) => "smtp",
            (Protocol::Smtp, _) => "smtps",
        };
        format!("{scheme}://{text}")
    };
    server(&url, protocol.name(), protocol).map_err(|failure| failure.message)
}

/// Asks for the user, if the servers' URLs do not have one.
fn ask_login(
    asker: &mut Asker<'_>,
    email: &Address,
    incoming: &mut Option<Server>,
    smtp: &mut Option<Server>,
) -> Result<(), Failure> {
    if [&*incoming, &*smtp].into_iter().flatten().all(|server| server.username.is_some()) {
        return Ok(());
    }
    // A mailbox always needs a login; a server for sending may not.
    let may_be_none = incoming.is_none();
    let question = if may_be_none { "Login name (none for no login)" } else { "Login name" };
    let login = asker.ask(question, Some(email.as_str()), |text| match text {
        "none" if may_be_none => Ok(None),
        text => crate::account::server::username(text).map(Some),
    })?;
    for server in [incoming, smtp].into_iter().flatten() {
        server.username = server.username.take().or_else(|| login.clone());
    }
    Ok(())
}

fn ask_secret(asker: &mut Asker<'_>, offer: Option<Offer>, name: &str) -> Result<DraftSettings, Failure> {
    let alone = offer.as_ref().and_then(Offer::alone);
    let (question, default, words): (_, _, &[&str]) = match alone {
        Some(provider) => {
            asker.say(&wrapped(&format!(
                "{provider} takes no passwords, only OAuth2: a login in the browser, once; or a command that prints a \
                 token"
            )));
            ("oauth or command", "oauth", &["oauth", "command"])
        }
        _ => {
            asker.say(
                "  The password can come from a command (as `pass show mail`), from a file, or\n  \
                 stand in the configuration, or be asked for each time (not from cron)\n",
            );
            match offer {
                Some(_) => {
                    asker.say("  or be none at all: oauth is a login in the browser, once\n");
                    (
                        "command, file, store, ask or oauth",
                        "ask",
                        &["command", "file", "store", "ask", "oauth"],
                    )
                }
                None => ("command, file, store or ask", "ask", &["command", "file", "store", "ask"]),
            }
        }
    };
    let way = asker.ask(question, Some(default), |text| match words.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err("one of these words".into()),
    })?;
    Ok(match (way.as_str(), &offer) {
        ("oauth", Some(offer)) => offer.ask(asker, name)?,
        ("command", _) => {
            let key = match alone.is_some() {
                true => "token-command",
                false => "password-command",
            };
            vec![(key, Setting::Command(asker.ask("Command", None, Program::shell)?))]
        }
        ("file", _) => vec![("password-file", asker.ask("File", None, |text| file(text, "file"))?)],
        ("store", _) => vec![("password", Setting::Password(terminal::ask("Password: ", asker.limits)?))],
        _ => vec![],
    })
}

/// Asks where to store fetched mail.
fn ask_destination(asker: &mut Asker<'_>, name: &str) -> Result<DraftSettings, Failure> {
    // A name that is not valid for a file is not proposed.
    let proposal = if name.starts_with('.') || name.contains('/') { "mail" } else { name };
    let proposal = format!("~/Mail/{proposal}");
    asker.ask("Where fetched mail goes (a Maildir, or mbox:FILE)", Some(&proposal), |text| {
        Ok(match text.strip_prefix("mbox:") {
            Some(path) => vec![("fetch.mbox", file(path, "mbox")?)],
            None => vec![("fetch.maildir", file(text, "Maildir")?)],
        })
    })
}

fn file(text: &str, what: &str) -> Result<Setting, String> {
    absolute(Path::new(text), what).map_err(|failure| failure.message)
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("yes or no".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Security;

    #[test]
    fn a_bare_host_is_a_server_and_its_port_says_how_it_is_protected() {
        for (text, protocol, host, port, security) in [
            ("pop.example.org", Protocol::Pop3, "pop.example.org", 995, Security::Implicit),
            ("pop.example.org:995", Protocol::Pop3, "pop.example.org", 995, Security::Implicit),
            ("pop.example.org:110", Protocol::Pop3, "pop.example.org", 110, Security::StartTls),
            ("pop.example.org:1995", Protocol::Pop3, "pop.example.org", 1995, Security::Implicit),
            ("pop3://pop.example.org", Protocol::Pop3, "pop.example.org", 110, Security::StartTls),
            ("smtp.example.org", Protocol::Smtp, "smtp.example.org", 465, Security::Implicit),
            ("smtp.example.org:587", Protocol::Smtp, "smtp.example.org", 587, Security::StartTls),
            ("[2001:db8::1]:587", Protocol::Smtp, "2001:db8::1", 587, Security::StartTls),
            ("[2001:db8::587]", Protocol::Smtp, "2001:db8::587", 465, Security::Implicit),
        ] {
            let server = place(text, protocol).unwrap();
            let found = (server.host.trim_matches(['[', ']']), server.port, server.security);
            assert_eq!(found, (host, port, security), "{text}");
        }
        assert_eq!(place("ana@pop.example.org", Protocol::Pop3).unwrap().username.as_deref(), Some("ana"));
        for bad in ["pop example", "http://x", "smtp://x", "x:y", ":110"] {
            assert!(place(bad, Protocol::Pop3).is_err(), "{bad}");
        }
    }
}
