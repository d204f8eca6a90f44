//! `postie config add`: by flags alone, or with questions on a terminal for what they leave open. For the most
//! used providers an address is enough to know the servers.

use super::ask::Asker;
use super::{Context, editor, path_to_edit, tell_account};
use crate::account::edit::Setting;
use crate::account::providers::{self, Provider};
use crate::account::server::{Protocol, Server, security_name};
use crate::account::view::show_fingerprint;
use crate::account::{SecretOptions, Vault, secret_file, terminal, url, values};
use crate::cli::config::AddArgs;
use crate::cli::{Global, TestAccountArgs};
use crate::cmd::test_account;
use crate::net::Security;
use crate::net::certificate::Fingerprint;
use crate::process::Program;
use crate::streams::StdStream;
use crate::words::{Address, Exit, Failure};
use rustix::fd::AsFd;
use std::io::IsTerminal as _;
use std::path::Path;

type Settings = Vec<(&'static str, Setting)>;

/// An account about to be added.
struct Draft {
    name: String,
    email: Address,
    display: Option<String>,
    pop3: Option<Server>,
    smtp: Option<Server>,
    secret: Settings,
    fetch: Settings,
}

/// Runs the command.
pub fn run(args: &AddArgs, context: &mut Context) -> Result<(), Failure> {
    let draft = draft(args, context)?;
    let provider = providers::of_domain(draft.email.domain());
    let name = draft.name.clone();
    let settings = settings(draft, args, &context.global)?;
    if args.test {
        // Tried as it would be read, and without holding the file meanwhile.
        let mut trial = editor(context)?;
        trial.add(&name, &settings)?;
        let account = trial.preview(&name)?;
        drop(trial);
        context.vault = Vault::new(SecretOptions::default(), context.env.clone(), context.limits.clone());
        test_account::test(&account, &TestAccountArgs::default(), context)?;
        if context.out.exit() != Exit::Ok {
            context.out.tell(&format!("account {name} is not added: the test failed"));
            return Ok(());
        }
    }
    let mut editor = editor(context)?;
    editor.add(&name, &settings)?;
    let contents = editor.save()?;
    tell_account(&contents, &name, context);
    context.out.tell(&format!("account {name} is added to {}", path_to_edit(context)?.display()));
    for remark in provider.iter().flat_map(|provider| provider.remarks()) {
        context.out.tell(&remark);
    }
    context.out.settle(Exit::Ok);
    Ok(())
}

/// What the flags say, completed by questions where there is somebody to ask.
fn draft(args: &AddArgs, context: &Context) -> Result<Draft, Failure> {
    let said = secret_settings(&context.global, context)?;
    let given = Given {
        pop3: args.pop3.as_deref().map(|text| server(text, "--pop3", Protocol::Pop3)).transpose()?,
        smtp: args.smtp.as_deref().map(|text| server(text, "--smtp", Protocol::Smtp)).transpose()?,
        fetch: fetch_settings(args)?,
    };
    let name = args.account_name.as_deref().map(values::account_name).transpose().map_err(Failure::usage)?;
    let email = args
        .email
        .as_deref()
        .map(|text| Address::parse(text).map_err(|error| Failure::usage(format!("--email: {error}"))));
    let email = email.transpose()?;
    if let Some(after) = &args.after {
        values::afterwards(after).map_err(|what| Failure::usage(format!("--after: {what}")))?;
    }
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let open = name.is_none() || email.is_none() || !given.has_servers(email.as_ref());
    if open && terminal {
        let stdin = std::io::stdin();
        let mut stderr = StdStream::error();
        let asker = &mut Asker {
            input: stdin.as_fd(),
            output: &mut stderr,
            limits: &context.limits,
            ahead: Vec::new(),
        };
        return question(asker, (name, email), given, said);
    }
    let missing = |what: &str| {
        Failure::usage(format!("config add: {what} is missing, and there is no terminal to ask on"))
            .hint("postie config add NAME --email ADDR [--pop3 URL] [--smtp URL] [secret options]")
    };
    let name = name.ok_or_else(|| missing("the account's name"))?;
    let email = email.ok_or_else(|| missing("--email"))?;
    let draft = given.complete(name, email, said);
    if draft.pop3.is_none() && draft.smtp.is_none() {
        let domain = draft.email.domain().to_owned();
        let failure = missing("--pop3 URL or --smtp URL");
        return Err(Failure {
            message: format!("{}; no server is known for {domain}", failure.message),
            ..failure
        });
    }
    Ok(draft)
}

/// What the flags say of servers and fetching.
struct Given {
    pop3: Option<Server>,
    smtp: Option<Server>,
    fetch: Settings,
}

impl Given {
    fn has_servers(&self, email: Option<&Address>) -> bool {
        let known = |email: &Address| providers::of_domain(email.domain()).is_some();
        self.pop3.is_some() || self.smtp.is_some() || email.is_some_and(known)
    }

    /// The servers, the provider's where the flags name none at all.
    fn complete(self, name: String, email: Address, secret: Settings) -> Draft {
        let provider = providers::of_domain(email.domain());
        let known = |protocol| provider.and_then(|provider: &Provider| provider.server(protocol, &email));
        let (pop3, smtp) = match (self.pop3, self.smtp) {
            (None, None) => (known(Protocol::Pop3), known(Protocol::Smtp)),
            given => given,
        };
        let smtp = smtp.map(|mut server| {
            // With a secret at hand, the account's own user is who logs in; without, nobody does.
            if server.username.is_none() && !secret.is_empty() {
                server.username = Some(email.as_str().to_owned());
            }
            server
        });
        Draft { name, email, display: None, pop3, smtp, secret, fetch: self.fetch }
    }
}

fn server(text: &str, flag: &str, protocol: Protocol) -> Result<Server, Failure> {
    let refuse = |what: String| Failure::usage(format!("{flag}: {what}"));
    let server = url::parse_server(text).map_err(refuse)?;
    if server.protocol != protocol {
        return Err(refuse(format!("a URL of {} is wanted", protocol.name())));
    }
    Ok(server)
}

fn fetch_settings(args: &AddArgs) -> Result<Settings, Failure> {
    let mut settings = Settings::new();
    if let Some(path) = &args.maildir {
        settings.push(("fetch.maildir", absolute(path, "--maildir")?));
    } else if let Some(path) = &args.mbox {
        settings.push(("fetch.mbox", absolute(path, "--mbox")?));
    } else if let Some(line) = &args.exec {
        let program = Program::shell(line).map_err(|what| Failure::usage(format!("--exec: {what}")))?;
        settings.push(("fetch.exec", Setting::Command(program)));
    }
    Ok(settings)
}

/// Where the secret options say the secret comes from. One behind a descriptor is there only now, so it is
/// stored; a file, a variable and a command are there again next time.
fn secret_settings(global: &Global, context: &Context) -> Result<Settings, Failure> {
    let shell = |option: &str, line: &str| {
        Program::shell(line)
            .map(Setting::Command)
            .map_err(|what| Failure::usage(format!("--{option}: {what}")))
    };
    Ok(if let Some(path) = &global.password_file {
        vec![("password-file", absolute(path, "--password-file")?)]
    } else if let Some(number) = global.password_fd {
        let secret = secret_file::from_descriptor(number, "--password-fd", &context.limits)?;
        vec![("password", Setting::Password(secret))]
    } else if let Some(name) = &global.password_env {
        vec![("password-env", Setting::Text(name.clone()))]
    } else if let Some(line) = &global.password_command {
        vec![("password-command", shell("password-command", line)?)]
    } else if let Some(line) = &global.token_command {
        vec![("token-command", shell("token-command", line)?)]
    } else {
        vec![]
    })
}

/// A path as the file takes it: `~/…` stays, what is relative to the working directory is made absolute.
fn absolute(path: &Path, option: &str) -> Result<Setting, Failure> {
    let refuse = |what: &str| Failure::usage(format!("{option}: {what}"));
    let text = path.to_str().ok_or_else(|| refuse("the path is not valid UTF-8, which the file must be"))?;
    if text.is_empty() {
        return Err(refuse("the path is empty"));
    }
    if text == "~" || text.starts_with("~/") {
        return Ok(Setting::Text(text.to_owned()));
    }
    let whole = std::path::absolute(path).map_err(|error| refuse(&error.to_string()))?;
    whole
        .to_str()
        .map(|text| Setting::Text(text.to_owned()))
        .ok_or_else(|| refuse("the path is not valid UTF-8"))
}

/// The whole account as keys of the file.
fn settings(draft: Draft, args: &AddArgs, global: &Global) -> Result<Settings, Failure> {
    let text = |text: &str| Setting::Text(text.to_owned());
    let mut settings: Settings = vec![("email", text(draft.email.as_str()))];
    let display = args.name.as_deref().or(draft.display.as_deref()).filter(|name| !name.is_empty());
    settings.extend(display.map(|name| ("name", text(name))));
    settings.extend(args.description.as_deref().map(|words| ("description", text(words))));
    settings.extend(draft.secret);
    if let Some(path) = &global.ca_file {
        settings.push(("ca-file", absolute(path, "--ca-file")?));
    }
    if let Some(words) = &global.tls_fingerprint {
        let pin = Fingerprint::parse(words).ok_or_else(|| {
            Failure::usage("--tls-fingerprint: reading: it must be sha256: and 64 hexadecimal digits")
        })?;
        settings.push(("tls-fingerprint", Setting::Text(show_fingerprint(&pin))));
    }
    for server in [draft.pop3, draft.smtp].into_iter().flatten() {
        server_settings(&server, &draft.email, &mut settings);
    }
    settings.extend(draft.fetch);
    settings.extend(args.after.as_deref().map(|after| ("fetch.after", text(after))));
    Ok(settings)
}

/// The keys of a server, those alone that are not the default.
fn server_settings(server: &Server, email: &Address, settings: &mut Settings) {
    let text = |text: &str| Setting::Text(text.to_owned());
    let [host, port, tls, username, auth] = match server.protocol {
        Protocol::Pop3 => ["pop3.host", "pop3.port", "pop3.tls", "pop3.username", "pop3.auth"],
        Protocol::Smtp => ["smtp.host", "smtp.port", "smtp.tls", "smtp.username", "smtp.auth"],
    };
    settings.push((host, text(&server.host)));
    if server.port != server.protocol.default_port(server.security) {
        settings.push((port, Setting::Port(server.port)));
    }
    if server.security != Security::Implicit {
        settings.push((tls, text(security_name(server.security))));
    }
    match &server.username {
        Some(user) if user != email.as_str() => settings.push((username, text(user))),
        None if server.protocol == Protocol::Smtp => settings.push((auth, text("none"))),
        _ => {}
    }
}

/// Asks for all that the flags leave open.
fn question(
    asker: &mut Asker<'_>,
    known: (Option<String>, Option<Address>),
    given: Given,
    said: Settings,
) -> Result<Draft, Failure> {
    let email = match known.1 {
        Some(email) => email,
        None => {
            asker.ask("Mail address", None, |text| Address::parse(text).map_err(|error| error.to_string()))?
        }
    };
    let name = match known.0 {
        Some(name) => name,
        None => asker.ask("Name of the account", Some("mail"), values::account_name)?,
    };
    let display = asker.ask("Name to show beside the address", Some(""), values::plain_text)?;
    if !given.has_servers(Some(&email)) {
        return unknown_provider(asker, (name, email, display), given, said);
    }
    if let Some(provider) = providers::of_domain(email.domain()) {
        for remark in provider.remarks() {
            asker.say(&format!("  {remark}\n"));
        }
    }
    let secret = if said.is_empty() { ask_secret(asker)? } else { said };
    let draft = given.complete(name, email, secret);
    Ok(Draft { display: Some(display), ..with_user(draft) })
}

/// Asks for the servers too.
fn unknown_provider(
    asker: &mut Asker<'_>,
    (name, email, display): (String, Address, String),
    given: Given,
    said: Settings,
) -> Result<Draft, Failure> {
    asker.say("  The servers, as pop3s://HOST (TLS), pop3://HOST (STLS); empty for none\n");
    let mut ask = |question: &str, protocol: Protocol| {
        asker.ask(question, Some(""), |text| match text {
            "" => Ok(None),
            text => server(text, protocol.name(), protocol).map(Some).map_err(|failure| failure.message),
        })
    };
    let pop3 = ask("Where mail is fetched", Protocol::Pop3)?;
    let smtp = ask("Where mail is sent (smtps://HOST, smtp://HOST)", Protocol::Smtp)?;
    if pop3.is_none() && smtp.is_none() {
        return Err(Failure::usage("config add: an account without a server is of no use"));
    }
    let secret = if said.is_empty() { ask_secret(asker)? } else { said };
    let draft = Given { pop3, smtp, ..given }.complete(name, email, secret);
    Ok(Draft { display: Some(display), ..with_user(draft) })
}

/// Somebody who answers questions logs in, also where the secret is asked for each time.
fn with_user(mut draft: Draft) -> Draft {
    for server in [&mut draft.pop3, &mut draft.smtp].into_iter().flatten() {
        server.username.get_or_insert_with(|| draft.email.as_str().to_owned());
    }
    draft
}

fn ask_secret(asker: &mut Asker<'_>) -> Result<Settings, Failure> {
    asker.say(
        "  The password can come from a command (as `pass show mail`), from a file, or stand in the\n  \
         configuration, or be asked for each time\n",
    );
    let way = asker.ask("command, file, store or ask", Some("ask"), |text| match text {
        "command" | "file" | "store" | "ask" => Ok(text.to_owned()),
        _ => Err("one of these four words".into()),
    })?;
    Ok(match way.as_str() {
        "command" => {
            let program: Program = asker.ask("Command", None, Program::shell)?;
            vec![("password-command", Setting::Command(program))]
        }
        "file" => vec![(
            "password-file",
            asker.ask("File", None, |text| {
                absolute(Path::new(text), "file").map_err(|failure| failure.message)
            })?,
        )],
        "store" => vec![("password", Setting::Password(terminal::ask("Password: ", asker.limits)?))],
        _ => vec![],
    })
}
