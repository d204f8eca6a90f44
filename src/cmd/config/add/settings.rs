//! The options of `postie config add`, as keys of the file.

use super::super::draft::{DraftSettings, NewAccount, absolute};
use crate::account::edit::Setting;
use crate::account::secret_file;
use crate::account::server::{Protocol, Server, security_name};
use crate::account::shown::show_fingerprint;
use crate::cli::Global;
use crate::cli::config::AddArgs;
use crate::cmd::Context;
use crate::net::Security;
use crate::net::certificate::Fingerprint;
use crate::process::Program;
use crate::words::{Address, Failure};

/// What the options say of where fetched mail goes.
pub(super) fn fetch_settings(args: &AddArgs) -> Result<DraftSettings, Failure> {
    let mut settings = DraftSettings::new();
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
pub(super) fn secret_settings(global: &Global, context: &Context) -> Result<DraftSettings, Failure> {
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

/// The whole account as keys of the file.
pub(super) fn settings(draft: NewAccount, args: &AddArgs, global: &Global) -> Result<DraftSettings, Failure> {
    let text = |text: &str| Setting::Text(text.to_owned());
    let mut settings: DraftSettings = vec![("email", text(draft.email.as_str()))];
    let display = draft.display.as_deref().filter(|name| !name.is_empty());
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
    let files = [
        ("client-certificate", "--client-certificate", &global.client_certificate),
        ("client-key", "--client-key", &global.client_key),
    ];
    for (key, option, file) in files {
        if let Some(path) = file {
            settings.push((key, absolute(path, option)?));
        }
    }
    settings.extend(global.proxy.as_deref().map(|proxy| ("proxy", text(proxy))));
    for server in [draft.incoming, draft.smtp].into_iter().flatten() {
        server_settings(&server, &draft.email, &mut settings);
    }
    settings.extend(draft.fetch);
    settings.extend(args.after.as_deref().map(|after| ("fetch.after", text(after))));
    Ok(settings)
}

/// The keys of a server that are not the default.
fn server_settings(server: &Server, email: &Address, settings: &mut DraftSettings) {
    let text = |text: &str| Setting::Text(text.to_owned());
    let [host, port, tls, username, auth] = match server.protocol {
        Protocol::Pop3 => ["pop3.host", "pop3.port", "pop3.tls", "pop3.username", "pop3.auth"],
        Protocol::Imap => ["imap.host", "imap.port", "imap.tls", "imap.username", "imap.auth"],
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
