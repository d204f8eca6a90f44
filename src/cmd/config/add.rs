//! `postie config add`: by flags alone, or with questions on a terminal for what they leave open. An address is often
//! enough to know the servers: they are in the table of providers, or are looked for.

mod settings;

use self::settings::{fetch_settings, secret_settings, settings};
use super::draft::{DraftSettings, Given, NewAccount, name_for, server};
use super::find::{self, Finder};
use super::oauth::{Authority, Offer, RegisteredClient};
use super::offer::{self, Offered};
use super::wizard;
use super::{Context, editor, path_to_edit, tell_account};
use crate::account::server::Protocol;
use crate::account::{Account, Config, Destination, SecretOptions, Vault, values};
use crate::cli::TestAccountArgs;
use crate::cli::config::AddArgs;
use crate::cmd::test_account;
use crate::output::About;
use crate::words::{Address, Exit, Failure, Kind, Scope, Stage};
use crate::work::discover::{self, Discovery};
use std::fs::DirBuilder;
use std::io::IsTerminal as _;
use std::os::unix::fs::DirBuilderExt as _;

/// Runs the command.
pub fn run(args: &AddArgs, context: &mut Context) -> Result<(), Failure> {
    let given = Given::of(args, context)?;
    let finder = Finder::of(args, given.wanted, context)?;
    if args.dry_run {
        return rehearse(&given, &finder, context);
    }
    let asks = given.is_open() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    // Input read after the answers belongs to the questions that may follow.
    let mut ahead = Vec::new();
    let draft = match asks {
        true => {
            let questions = wizard::Questions { finder: &finder, is_verbose: context.out.is_verbose() };
            wizard::complete(given, &questions, &mut ahead, &context.limits)?
        }
        false => given.alone(&finder, context)?,
    };
    let found = draft.found.clone();
    let (name, test) = (draft.name.clone(), draft.test);
    let by_token = is_by_token(&draft.secret);
    let settings = settings(draft, args, &context.global)?;
    let mut editor = editor(context)?;
    editor.add(&name, &settings)?;
    let account = editor.preview(&name)?;
    make_parents(&account)?;
    let mut offered = if account.oauth.is_some() { Offered::Later } else { Offered::Ready };
    if asks && offered == Offered::Later {
        // The file is not locked meanwhile.
        drop(editor);
        offered = offer::offer_login(&account, &mut ahead, context)?;
        if offered == Offered::GivenUp {
            context.out.tell(&format!("account {name} is not added: the login failed"));
            return Ok(());
        }
        editor = super::editor(context)?;
        editor.add(&name, &settings)?;
    }
    // Without a login the test would only say so.
    let test = test && (offered == Offered::Ready || !asks);
    if test {
        // The file is not locked meanwhile.
        drop(editor);
        context.vault = Vault::new(SecretOptions::default(), context.env.clone(), context.limits.clone());
        if let Err(failure) = test_account::test(&account, &TestAccountArgs::default(), context) {
            context.out.fail(&About::account(&account.label), &failure);
        }
        context.out.flush();
        let failed = context.out.exit() != Exit::Ok;
        if failed && !(asks && wizard::insists(&mut ahead, &context.limits)?) {
            context.out.tell(&format!("account {name} is not added: the test failed"));
            return Ok(());
        }
        editor = super::editor(context)?;
        editor.add(&name, &settings)?;
    }
    let first = editor.accounts() == 1;
    if first {
        editor.set_default(&name)?;
    }
    let contents = editor.save()?;
    tell_account(&contents, &name, context);
    let default = if first { ", and is the default" } else { "" };
    context.out.tell(&format!("account {name} is added to {}{default}", path_to_edit(context)?.display()));
    // Whoever was asked has read them.
    if !asks {
        for remark in find::remarks(&found, by_token) {
            context.out.tell(&remark);
        }
    }
    if offered == Offered::Later {
        offer::next_steps(&account).iter().for_each(|step| context.out.tell(step));
    }
    if account.incoming().is_some() && account.fetch.destination.is_none() {
        context.out.tell(&format!(
            "it has no destination yet: `postie config set {name} fetch.maildir ~/Mail/{name}` gives it one"
        ));
    }
    context.out.settle(Exit::Ok);
    Ok(())
}

/// `--dry-run`: shows what is found.
fn rehearse(given: &Given, finder: &Finder, context: &mut Context) -> Result<(), Failure> {
    let email = given.email.as_ref().ok_or_else(|| missing("the mail address"))?;
    let found = finder.find(email)?;
    tell_tried(&found, context);
    find::tell_json(&found, (email, given.is_by_token()), &mut context.out);
    if found.is_empty() {
        return Err(nothing_found(email, finder, &found));
    }
    for line in find::describe(&found).iter().chain(&find::remarks(&found, given.is_by_token())) {
        context.out.text(line);
    }
    context.out.settle(Exit::Ok);
    Ok(())
}

fn tell_tried(found: &Discovery, context: &mut Context) {
    for line in find::tried(found) {
        context.out.say(&line);
    }
}

fn missing(what: &str) -> Failure {
    Failure::usage(format!("config add: {what} is missing, and there is no terminal to ask on"))
        .hint("postie config add NAME --email ADDR [--pop3 URL] [--smtp URL] [secret options]")
}

fn nothing_found(email: &Address, finder: &Finder, found: &Discovery) -> Failure {
    const NAME_THEM: &str = "--pop3 URL, --imap URL and --smtp URL name them";
    let message = format!("config add: no server is known for {}", email.domain());
    if finder.is_behind_socks {
        let why =
            "; none is looked for where --proxy or $ALL_PROXY names a SOCKS proxy, as that would go round it";
        return Failure::usage(message + why).hint(NAME_THEM);
    }
    if !finder.must_search(email) {
        return Failure::usage(message).hint(NAME_THEM);
    }
    let looked = format!("{NAME_THEM}; -v says where postie looked");
    if found.is_unsure() {
        let message = format!("{message}, and the name service does not answer now");
        let failure = Failure::new(Kind::Network, Stage::LookUp, message).scoped(Scope::Account);
        return failure.hint(format!("try again later, or {looked}"));
    }
    Failure::usage(format!("{message}, and none was found")).hint(looked)
}

/// Creates the directory for the account's Maildir or mbox.
fn make_parents(account: &Account) -> Result<(), Failure> {
    let Some(Destination::Maildir(path) | Destination::Mbox(path) | Destination::MboxDir(path)) =
        &account.fetch.destination
    else {
        return Ok(());
    };
    let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) else { return Ok(()) };
    DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(|error| {
        let message = format!("{}: making the directory: {error}", parent.display());
        Failure::new(Kind::CannotCreate, Stage::Destination, message)
            .hint("give another place with --maildir DIR, or make that directory yourself")
    })
}

const ADDRESS_ALONE: &str = "give the address alone (ana@example.org); --name takes the name beside it";

impl Given {
    fn of(args: &AddArgs, context: &Context) -> Result<Given, Failure> {
        if let Some(after) = &args.after {
            values::afterwards(after).map_err(|what| Failure::usage(format!("--after: {what}")))?;
        }
        let said = Said::of(args);
        let as_address = |place: &str, text: &str| {
            Address::parse(text).map_err(|error| {
                Failure::usage(format!("{place}: reading the address: {error}")).hint(ADDRESS_ALONE)
            })
        };
        let email = match (&args.email, said.name) {
            (Some(text), _) => Some(as_address("--email", text)?),
            (None, Some(text)) if text.contains('@') => Some(as_address("config add", text)?),
            (None, _) => None,
        };
        // An address in place of a name says both.
        let named = said.name.filter(|_| email.is_none() || args.email.is_some());
        let authority = args
            .oauth
            .as_deref()
            .map(|text| Authority::read(text).map_err(|what| Failure::usage(format!("--oauth: {what}"))));
        let authority = authority.transpose()?;
        let config = Config::load(Some(&path_to_edit(context)?), &context.env)?;
        let taken: Vec<String> =
            config.contents.accounts.iter().map(|account| account.label.clone()).collect();
        let name = match (named, &email, said.name) {
            (Some(name), ..) => Some(values::account_name(name).map_err(Failure::usage)?),
            (None, Some(email), Some(_)) => name_for(email, &taken),
            _ => None,
        };
        let given = Given {
            name,
            is_address_alone: named.is_none() && said.name.is_some(),
            email,
            display: args.name.clone(),
            incoming: match (said.pop3, said.imap) {
                (Some(text), _) => Some(server(text, "--pop3", Protocol::Pop3)?),
                (None, Some(text)) => Some(server(text, "--imap", Protocol::Imap)?),
                (None, None) => None,
            },
            wanted: said.wanted,
            smtp: args.smtp.as_deref().map(|text| server(text, "--smtp", Protocol::Smtp)).transpose()?,
            secret: match (&authority, &args.client_id) {
                (Some(authority), Some(id)) => {
                    authority.settings(Some(RegisteredClient { id: id.clone(), secret: None }))
                }
                (Some(_), None) => vec![],
                (None, _) => secret_settings(&context.global, context)?,
            },
            has_certificate: context.global.client_certificate.is_some(),
            authority,
            fetch: fetch_settings(args)?,
            test: args.test,
            taken,
        };
        if let Some(name) = given.name.as_ref().filter(|name| given.taken.contains(name)) {
            // The editor has the error for it; no question is asked before.
            editor(context)?.add(name, &[])?;
        }
        Ok(given)
    }

    /// Whether the account is to log in by OAuth2.
    pub fn is_by_token(&self) -> bool {
        self.authority.is_some() || is_by_token(&self.secret)
    }

    /// Whether something is missing that fetching or sending needs.
    fn is_open(&self) -> bool {
        let Some(email) = &self.email else { return true };
        let (incoming, smtp) = self.servers(&discover::known(email, self.wanted).unwrap_or_default());
        let logs_in = incoming.is_some() || smtp.as_ref().is_some_and(|server| server.username.is_some());
        self.name.is_none()
            || (incoming.is_none() && smtp.is_none())
            || (logs_in && self.secret.is_empty() && !self.has_certificate)
            || (incoming.is_some() && self.fetch.is_empty())
    }

    /// The account, without asking questions.
    fn alone(self, finder: &Finder, context: &mut Context) -> Result<NewAccount, Failure> {
        let name = self.name.clone().ok_or_else(|| missing("the account's name"))?;
        let email = self.email.clone().ok_or_else(|| missing("--email"))?;
        let found = if self.has_servers() { Discovery::default() } else { finder.find(&email)? };
        if !self.has_servers() && finder.must_search(&email) {
            tell_tried(&found, context);
            find::tell_json(&found, (&email, self.is_by_token()), &mut context.out);
            for line in find::describe(&found) {
                context.out.tell(&line);
            }
        }
        finder.check(&found, &email)?;
        let (incoming, mut smtp) = self.servers(&found);
        if incoming.is_none() && smtp.is_none() {
            return Err(nothing_found(&email, finder, &found));
        }
        if let Some(server) = smtp.as_mut().filter(|_| self.has_servers() && self.has_login()) {
            // If there is a secret, or a certificate, the account's own user logs in; otherwise there is no login.
            server.username.get_or_insert_with(|| email.as_str().to_owned());
        }
        let Given { display, mut secret, has_certificate, authority, fetch, test, .. } = self;
        // A provider that takes nothing but tokens is one to log in to, whoever says so.
        let only = || Offer::of(incoming.iter().chain(&smtp), &email, None)?.only();
        if let Some(authority) = authority.or_else(only).filter(|_| secret.is_empty() && !has_certificate) {
            secret = authority.settings(None);
        }
        Ok(NewAccount { name, email, display, incoming, smtp, secret, fetch, test, found })
    }
}

/// Whether these settings of the secret are for OAuth2.
fn is_by_token(secret: &DraftSettings) -> bool {
    secret.iter().any(|(key, _)| *key == "token-command" || key.starts_with("oauth."))
}

/// The name and the servers as they were typed.
#[derive(Default)]
struct Said<'a> {
    name: Option<&'a str>,
    pop3: Option<&'a str>,
    imap: Option<&'a str>,
    /// The protocol of an option without a URL.
    wanted: Option<Protocol>,
}

impl<'a> Said<'a> {
    /// `--imap` and `--pop3` may stand without a URL. What comes behind them then is the name, if there is no other.
    fn of(args: &'a AddArgs) -> Said<'a> {
        let mut said = Said { name: args.account_name.as_deref(), ..Said::default() };
        for (option, protocol) in [(&args.pop3, Protocol::Pop3), (&args.imap, Protocol::Imap)] {
            let Some(text) = option.as_deref() else { continue };
            let is_name = !text.is_empty() && !text.contains("://") && said.name.is_none();
            if is_name {
                said.name = Some(text);
            }
            match (text.is_empty() || is_name, protocol) {
                (true, protocol) => said.wanted = Some(protocol),
                (false, Protocol::Pop3) => said.pop3 = Some(text),
                (false, _) => said.imap = Some(text),
            }
        }
        said
    }
}
