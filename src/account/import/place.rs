//! Where imported accounts go in postie's own file. An account that is there stays as it is; it may get a server that
//! it does not have.

use super::draft::{Draft, DraftSecret, DraftServer};
use super::names::domain_of;
use super::{Import, Omission, Tool};
use crate::account::edit::{Editor, Setting};
use crate::account::schema::Contents;
use crate::account::server::Server;
use crate::account::{Account, values};
use crate::store::AccountKey;
use crate::words::{Address, Failure};

/// What became of a draft.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The account in postie.
    pub name: String,
    pub how: How,
    pub draft: Draft,
    /// What is added to the file.
    pub settings: Vec<(String, Setting)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is a new account.
    Added,
    /// An account got its servers.
    Joined,
    /// The servers were there already.
    There,
}

/// Puts drafts into the file that is edited. What is not valid is left out, and said. Literal passwords are taken only
/// if that is wanted.
pub fn place(
    editor: &mut Editor,
    tool: Tool,
    import: &mut Import,
    with_secrets: bool,
) -> Result<Vec<Placed>, Failure> {
    let mut contents = editor.check()?;
    let mut placed = Vec::new();
    for draft in std::mem::take(&mut import.accounts) {
        let original = draft.original.clone();
        match one(editor, tool, draft, &contents, with_secrets) {
            Ok((one, after, omitted)) => {
                name_hints(&mut import.omissions, &original, &one.name);
                import.omissions.extend(omitted);
                if import.default.as_ref() == Some(&one.draft.name) {
                    import.default = Some(one.name.clone());
                }
                contents = after.unwrap_or(contents);
                placed.push(one);
            }
            Err(omission) => import.omissions.push(*omission),
        }
    }
    Ok(placed)
}

type One = (Placed, Option<Contents>, Vec<Omission>);

fn one(
    editor: &mut Editor,
    tool: Tool,
    mut draft: Draft,
    contents: &Contents,
    with_secrets: bool,
) -> Result<One, Box<Omission>> {
    let mut users = draft.servers.iter().filter_map(|server| server.username.as_deref());
    if let (None, Some(user)) = (&draft.email, users.find(|user| Address::parse(user).is_ok())) {
        draft.email = Some(user.to_owned());
    }
    let there = already_there(&draft, &contents.accounts);
    if let Some((account, true)) = there {
        let name = account.label.clone();
        return Ok((Placed { name, how: How::There, draft, settings: Vec::new() }, None, Vec::new()));
    }
    let target = match there {
        Some((account, _)) => lacks_others(account, &draft).then_some(account),
        None => partner(editor, &draft, &contents.accounts),
    };
    let how = if target.is_some() { How::Joined } else { How::Added };
    let name = match target {
        Some(account) => account.label.clone(),
        None => free_name(&draft.name, tool, &contents.accounts),
    };
    let mut omitted = Vec::new();
    if !with_secrets {
        omitted.extend(leave_secrets(&mut draft, &name));
    }
    let mut part = draft.clone();
    if let Some(account) = target {
        part.servers.retain(|server| account.server(server.protocol).is_none());
    }
    let settings = match target {
        Some(account) => part.joining(account.email.is_none(), account.name.is_none()),
        None => part.settings(),
    };
    let borrowed: Vec<(&str, Setting)> =
        settings.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    let done = editor.attempt(|editor| match how {
        How::Joined => editor.extend(&name, &borrowed),
        _ => editor.add(&name, &borrowed),
    });
    match done {
        Ok(after) => Ok((Placed { name, how, draft, settings }, Some(after), omitted)),
        Err(failure) => Err(Box::new(Omission {
            file: draft.file.clone(),
            line: draft.line,
            account: Some(draft.original.clone()),
            what: format!("account {}", draft.original),
            why: failure.message.trim_start_matches("the change is not valid: ").to_owned(),
            hint: failure.hint,
            matters: true,
        })),
    }
}

/// Takes out the passwords that stand in the other program's file, and says so.
fn leave_secrets(draft: &mut Draft, name: &str) -> Vec<Omission> {
    let mut omitted = Vec::new();
    for server in &mut draft.servers {
        if !matches!(server.secret, Some(DraftSecret::Literal { .. })) {
            continue;
        }
        let Some(DraftSecret::Literal { line, key, .. }) = server.secret.take() else { continue };
        let table = server.protocol.name();
        omitted.push(Omission {
            file: draft.file.clone(),
            line,
            account: Some(draft.original.clone()),
            what: key,
            why: "a secret that stands in the file is taken only if you say so".into(),
            hint: Some(format!(
                "--with-secrets takes it; better: `postie config set {name} {table}.password-command COMMAND`"
            )),
            matters: false,
        });
    }
    omitted
}

/// Hints of readers have `NAME` in them, since only here it is known.
fn name_hints(omissions: &mut [Omission], original: &str, name: &str) {
    for omission in omissions.iter_mut().filter(|omission| omission.account.as_deref() == Some(original)) {
        omission.hint = omission.hint.take().map(|hint| hint.replace("NAME", name));
    }
}

/// The account that has a server of the draft, and whether it has all.
fn already_there<'a>(draft: &Draft, accounts: &'a [Account]) -> Option<(&'a Account, bool)> {
    let has = |account: &Account, wanted: &DraftServer| {
        account.server(wanted.protocol).is_some_and(|server| is_same(server, wanted, draft))
    };
    let account = accounts.iter().find(|account| draft.servers.iter().any(|it| has(account, it)))?;
    Some((account, draft.servers.iter().all(|it| has(account, it))))
}

/// The name under which a server's messages are known.
pub fn key_of(wanted: &DraftServer, draft: &Draft) -> AccountKey {
    let user = wanted.username.as_ref().or(draft.email.as_ref()).filter(|_| wanted.logs_in);
    let user = user.map(String::as_str).unwrap_or_default();
    AccountKey::new(wanted.protocol.name(), &wanted.host, wanted.effective_port(), user)
}

fn is_same(server: &Server, wanted: &DraftServer, draft: &Draft) -> bool {
    let user = server.username.as_deref().unwrap_or_default();
    AccountKey::new(server.protocol.name(), &server.host, server.port, user) == key_of(wanted, draft)
}

/// Whether the draft's servers that the account lacks can be added: it has no other servers for the same purpose.
fn lacks_others(account: &Account, draft: &Draft) -> bool {
    draft.servers.iter().all(|wanted| match account.server(wanted.protocol) {
        Some(server) => is_same(server, wanted, draft),
        None => !(wanted.protocol.is_incoming() && account.incoming().is_some()),
    })
}

/// The one account that is plainly the other half: it has no server of that kind, its user has the same name on a
/// server of the same domain, and nothing that it says for all its servers would count for the new one.
fn partner<'a>(editor: &Editor, draft: &Draft, accounts: &'a [Account]) -> Option<&'a Account> {
    let is_other_half = |account: &&Account| {
        let fits = |wanted: &DraftServer| {
            let is_free = match wanted.protocol.is_incoming() {
                true => account.incoming().is_none() && account.fetch.destination.is_none(),
                false => account.smtp.is_none(),
            };
            let is_kin = |server: &Server| {
                wanted.username.is_some()
                    && server.username == wanted.username
                    && domain_of(&server.host) == domain_of(&wanted.host)
            };
            is_free && account.servers().any(is_kin)
        };
        let own = |key: &str| editor.has(&account.label, key);
        let shared = ["password-command", "password-file", "password-env", "token-command", "password"];
        let gets_secret =
            draft.servers.iter().any(|server| server.secret.is_none()) && shared.iter().any(|key| own(key));
        let is_trusting = own("ca-file") || own("tls-fingerprint");
        draft.servers.iter().all(fits) && !gets_secret && !is_trusting && !draft.servers.is_empty()
    };
    let mut found = accounts.iter().filter(is_other_half);
    found.next().filter(|_| found.next().is_none())
}

/// A name that no account has.
fn free_name(wanted: &str, tool: Tool, accounts: &[Account]) -> String {
    let with = |suffix: &str| {
        let most = values::MAX_NAME - suffix.len();
        format!("{}{suffix}", &wanted[..wanted.floor_char_boundary(most.min(wanted.len()))])
    };
    let numbered = (2..).map(|number: usize| with(&format!("-{}-{number}", tool.name())));
    let mut names = [with(""), with(&format!("-{}", tool.name()))].into_iter().chain(numbered);
    let is_free = |name: &String| accounts.iter().all(|account| account.label != *name);
    names.find(is_free).unwrap_or_else(|| wanted.to_owned())
}
