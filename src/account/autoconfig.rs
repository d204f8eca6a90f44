//! Reads the settings that a domain publishes for mail programs (draft-ietf-mailmaint-autoconfig, as Thunderbird's
//! "config-v1.1.xml"), with roxmltree. What stands there is a stranger's: hosts and users are checked as those that
//! people type are, and a server that lacks something is left out, with a note.
//!
//! Left out: Exchange, JMAP, calendars, user names that need more questions, another program's OAuth2 client.

use super::server::{self, Protocol, Server};
use super::values;
use crate::net::Security;
use crate::words::Address;
use roxmltree::{Document, Node, ParsingOptions};
use std::net::IpAddr;

/// The most elements and texts of a document.
const MOST_NODES: u32 = 20_000;
/// How deep elements may lie in each other.
const MOST_DEPTH: usize = 16;
/// The most servers that are looked at.
const MOST_SERVERS: usize = 32;
/// The most octets of an address of the web, or an issuer, that is shown.
const MOST_SHOWN: usize = 300;

/// What the login of a server wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// A password, or a token where the server takes one.
    Secret,
    /// Only an OAuth2 access token.
    Token,
    /// No login.
    Nothing,
}

/// A server that was published.
#[derive(Clone, Debug)]
pub struct PublishedServer {
    pub server: Server,
    pub wants: Wants,
}

/// What a document says.
#[derive(Clone, Debug, Default)]
pub struct Autoconfig {
    /// In the order of the document: the first is what its author prefers.
    pub servers: Vec<PublishedServer>,
    /// The domains that it is for, in lower case.
    pub domains: Vec<String>,
    /// Who issues the tokens.
    pub issuer: Option<String>,
    /// What the user should know, and what was left out.
    pub notes: Vec<String>,
}

/// Whose settings are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    pub email: &'a Address,
    /// The domain of the address as A-labels.
    pub domain: &'a str,
}

/// Reads a document. It must be UTF-8, and have no document type: so it has no entities of its own.
///
/// Fails with what is wrong with the document as a whole.
pub fn read(octets: &[u8], whose: Whose<'_>) -> Result<Autoconfig, String> {
    let text = std::str::from_utf8(octets).map_err(|_| "it is not UTF-8")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => "it has a document type (DTD), which is refused".to_owned(),
        roxmltree::Error::NodesLimitReached => format!("it has more than {MOST_NODES} elements"),
        error => format!("it is not XML: {}", shown(&error.to_string())),
    })?;
    if document.descendants().any(|node| node.ancestors().nth(MOST_DEPTH + 1).is_some()) {
        return Err(format!("its elements lie more than {MOST_DEPTH} deep in each other"));
    }
    let root = document.root_element();
    let provider = child(root, "emailProvider");
    let provider = provider.filter(|_| root.tag_name().name() == "clientConfig");
    let provider = provider.ok_or("it is not a clientConfig with an emailProvider")?;
    let mut found = Autoconfig::default();
    let domains = children(provider, "domain").filter_map(|node| fill(&content(node), whose).ok());
    found.domains = domains.map(|domain| domain.to_lowercase()).collect();
    let mut servers = provider
        .children()
        .filter(|node| matches!(node.tag_name().name(), "incomingServer" | "outgoingServer"));
    for node in servers.by_ref().take(MOST_SERVERS) {
        match published(node, whose, &mut found.notes) {
            Ok(Some(server)) => found.servers.push(server),
            Ok(None) => {}
            Err(what) => found.notes.push(format!("a {} server is left out: {what}", kind_of(node))),
        }
    }
    if servers.next().is_some() {
        found.notes.push(format!("only the first {MOST_SERVERS} servers were looked at"));
    }
    let issuer = child(root, "oAuth2").and_then(|node| child(node, "issuer")).map(content);
    found.issuer = issuer.filter(|issuer| is_short_and_plain(issuer));
    let switches = children(provider, "enable").filter_map(|node| node.attribute("visiturl"));
    for page in switches.filter(|page| page.starts_with("https://") && is_short_and_plain(page)).take(3) {
        found.notes.push(format!("POP or IMAP must be switched on first: {page}"));
    }
    Ok(found)
}

/// One server; `None` if it is of a protocol that postie does not speak.
fn published(
    node: Node<'_, '_>,
    whose: Whose<'_>,
    notes: &mut Vec<String>,
) -> Result<Option<PublishedServer>, String> {
    let protocol = match (node.tag_name().name(), node.attribute("type")) {
        ("incomingServer", Some("pop3")) => Protocol::Pop3,
        ("incomingServer", Some("imap")) => Protocol::Imap,
        ("outgoingServer", Some("smtp")) => Protocol::Smtp,
        _ => return Ok(None),
    };
    let text = |name: &str| child(node, name).map(content);
    let host = server::host(&fill(&text("hostname").ok_or("it has no host")?, whose)?)?;
    if !host.contains('.') || host.parse::<IpAddr>().is_ok() {
        return Err("its host is not the name of one".into());
    }
    let security = security(node)?;
    let mut server = Server::new(protocol, host, security);
    server.port = values::port(&text("port").ok_or("it has no port")?)?;
    let wants = wants(node, protocol)?;
    if wants != Wants::Nothing {
        let user = text("username").unwrap_or_else(|| "%EMAILADDRESS%".into());
        server.username = Some(server::username(&fill(&user, whose)?)?);
    }
    if child(node, "restriction").is_some_and(|node| content(node) == "client-IP-address") {
        notes.push(format!("{} may work only from the provider's own network", server.place()));
    }
    let minutes = child(node, "pop3").and_then(|node| child(node, "checkInterval"));
    if let Some(minutes) = minutes.and_then(|node| node.attribute("minutes")?.parse::<u16>().ok()) {
        notes.push(format!("{} wants to be asked once in {minutes} minutes at most", server.place()));
    }
    Ok(Some(PublishedServer { server, wants }))
}

/// The first way of TLS that is known.
fn security(node: Node<'_, '_>) -> Result<Security, String> {
    let mut plain = false;
    for kind in children(node, "socketType").map(content) {
        match kind.as_str() {
            "SSL" => return Ok(Security::Implicit),
            "STARTTLS" => return Ok(Security::StartTls),
            "plain" => plain = true,
            _ => {}
        }
    }
    Err(if plain { "it offers only plain text, without TLS" } else { "how it is protected is not known" }
        .into())
}

fn wants(node: Node<'_, '_>, protocol: Protocol) -> Result<Wants, String> {
    let (mut token, mut other, mut named) = (false, false, false);
    for way in children(node, "authentication").map(content) {
        named = true;
        match way.as_str() {
            "password-cleartext" | "plain" | "password-encrypted" | "secure" => return Ok(Wants::Secret),
            "OAuth2" => token = true,
            "none" | "client-IP-address" if protocol == Protocol::Smtp && !token => {
                return Ok(Wants::Nothing);
            }
            "GSSAPI" | "NTLM" | "TLS-client-cert" => other = true,
            _ => {}
        }
    }
    match (token, other, named) {
        (true, ..) => Ok(Wants::Token),
        (false, true, _) => Err("its login is GSSAPI, NTLM or a client certificate alone".into()),
        (false, false, true) => Err("its login is not known".into()),
        (false, false, false) => Ok(Wants::Secret),
    }
}

/// Puts the address in for its placeholders.
fn fill(text: &str, whose: Whose<'_>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        filled.push_str(before);
        let (name, after) = after.split_once('%').ok_or("it has a % that begins nothing")?;
        filled.push_str(match name {
            "EMAILADDRESS" => whose.email.as_str(),
            "EMAILLOCALPART" => whose.email.local(),
            "EMAILDOMAIN" => whose.domain,
            _ => return Err(format!("it needs %{}%", shown(name))),
        });
        rest = after;
    }
    Ok(filled + rest)
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.tag_name().name() == name)
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &'a str) -> Option<Node<'a, 'i>> {
    children(node, name).next()
}

/// The text of an element; comments in it are passed over.
fn content(node: Node<'_, '_>) -> String {
    let texts = node.children().filter(Node::is_text).filter_map(|text| text.text());
    texts.collect::<String>().trim().to_owned()
}

fn kind_of(node: Node<'_, '_>) -> String {
    shown(node.attribute("type").unwrap_or("mail"))
}

fn is_short_and_plain(text: &str) -> bool {
    (1..=MOST_SHOWN).contains(&text.len()) && values::plain_text(text).is_ok()
}

/// The beginning of a text, for a note.
fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests;
