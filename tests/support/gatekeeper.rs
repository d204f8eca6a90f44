//! A server of any of the three protocols that only lets in: greeting, capabilities, login. What SASL's mechanisms say is
//! worked out here by OpenSSL, apart from what postie has.

#[cfg(feature = "gssapi")]
pub mod gssapi;

use super::authority::{Authority, Certificate};
use super::embedded::Listener;
use super::peer::{End, Peer};
use super::pop3d::{SECRET, USER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::{MessageDigest, hash};
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::ssl::{SslAcceptor, SslOptions, SslVersion};
use std::io;
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    Pop3,
    Imap,
    Smtp,
}

impl Speaks {
    pub const ALL: [Speaks; 3] = [Speaks::Pop3, Speaks::Imap, Speaks::Smtp];

    pub fn name(self) -> &'static str {
        match self {
            Speaks::Pop3 => "pop3",
            Speaks::Imap => "imap",
            Speaks::Smtp => "smtp",
        }
    }
}

/// What the server does at the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It knows the password.
    Right,
    /// It knows another.
    Wrong,
    /// It closes the connection instead of an answer to the first response.
    Cut,
    /// Its first challenge after the client's first words is not base64.
    Odd,
    /// SCRAM: its last message comes with its success.
    SignsInSuccess,
    /// SCRAM: its signature is wrong.
    SignsWrongly,
    /// SCRAM: its signature within the success is wrong.
    SignsSuccessWrongly,
    /// SCRAM: it lets in without any signature.
    NeverSigns,
    /// SCRAM: its nonce is not made of the client's.
    OtherNonce,
    /// SCRAM: it demands an extension.
    Extension,
    /// SCRAM: it says by itself what is wrong before it refuses.
    Complains,
    /// SCRAM: it asks for more iterations than anybody has time for.
    Greedy,
    /// GSSAPI: its token is not the right one.
    OtherToken,
    /// GSSAPI: it sends none.
    NoToken,
    /// GSSAPI: it lets in before it has proven itself.
    LetsInEarly,
    /// GSSAPI: it offers security layers, too.
    Layers,
    /// GSSAPI: it demands a security layer.
    OnlyLayers,
    /// GSSAPI: it offers nothing at all.
    NoOffer,
    LongOffer,
    ShortOffer,
    /// GSSAPI: it offers no layer, and a size for one.
    SizeWithoutLayer,
    /// GSSAPI: its offer is not wrapped.
    Unprotected,
    /// GSSAPI: somebody changed its offer.
    Changed,
    /// SCRAM: it knows another kind of channel binding only.
    OtherBinding,
}

/// Which channel bindings can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsKind {
    V13,
    V12,
    /// Without the extended master secret: no tls-exporter.
    V12WithoutEms,
}

/// Where the server's Kerberos key is, and what the library must know of the realm.
#[derive(Clone, Debug)]
pub struct Realm {
    pub configuration: String,
    pub keytab: String,
}

pub struct Gatekeeper {
    listener: Listener,
    /// What the clients' SCRAM headers said.
    headers: Arc<Mutex<Vec<String>>>,
}

impl Gatekeeper {
    /// Offers these mechanisms under TLS.
    pub fn start(speaks: Speaks, offers: &'static str, manner: Manner, tls: TlsKind) -> Gatekeeper {
        Gatekeeper::open(speaks, offers, manner, tls, None)
    }

    /// The same with a key for GSSAPI.
    pub fn of_realm(speaks: Speaks, manner: Manner, realm: Realm) -> Gatekeeper {
        Gatekeeper::open(speaks, "GSSAPI", manner, TlsKind::V13, Some(realm))
    }

    fn open(
        speaks: Speaks,
        offers: &'static str,
        manner: Manner,
        tls: TlsKind,
        realm: Option<Realm>,
    ) -> Gatekeeper {
        let acceptor = acceptor(tls);
        let headers = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&headers);
        let listener = Listener::start(move |peer, _| {
            let mut door = Door {
                peer,
                speaks,
                manner,
                tag: String::new(),
                headers: Arc::clone(&seen),
                realm: realm.clone(),
            };
            // A connection that ends early is the client's, or the manner's, choice.
            let _ = door.serve(&acceptor, offers);
        });
        Gatekeeper { listener, headers }
    }

    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// The commands of the only connection.
    pub fn commands(&self) -> Vec<String> {
        self.listener.journal().commands.into_iter().map(|(_, line)| line).collect()
    }

    /// The GS2 headers of the clients' first messages.
    pub fn headers(&self) -> Vec<String> {
        self.listener.journals();
        self.headers.lock().unwrap().clone()
    }
}

fn acceptor(tls: TlsKind) -> SslAcceptor {
    let identity = Authority::shared().identity(Certificate::Good);
    identity.acceptor_with(|builder| {
        if tls != TlsKind::V13 {
            builder.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
        }
        if tls == TlsKind::V12WithoutEms {
            // SSL_OP_NO_EXTENDED_MASTER_SECRET of OpenSSL 3.
            builder.set_options(SslOptions::from_bits_retain(1));
        }
    })
}

struct Door {
    peer: Peer,
    speaks: Speaks,
    manner: Manner,
    /// Of the command under way (IMAP).
    tag: String,
    headers: Arc<Mutex<Vec<String>>>,
    /// For GSSAPI, in a build that has it.
    realm: Option<Realm>,
}

impl Door {
    fn serve(&mut self, acceptor: &SslAcceptor, offers: &str) -> io::Result<()> {
        self.peer.start_tls(acceptor)?;
        self.say(match self.speaks {
            Speaks::Pop3 => "+OK gate",
            Speaks::Imap => "* OK gate",
            Speaks::Smtp => "220 gate ESMTP",
        });
        loop {
            let line = self.peer.read_command()?;
            let mut words = line.split(' ');
            if self.speaks == Speaks::Imap {
                self.tag = words.next().unwrap_or_default().into();
            }
            let verb = words.next().unwrap_or_default().to_ascii_uppercase();
            let rest: Vec<&str> = words.collect();
            match (self.speaks, verb.as_str()) {
                (Speaks::Pop3, "CAPA") => {
                    self.say(&format!("+OK\r\nUSER\r\nUIDL\r\nSASL {offers}\r\n."));
                }
                (Speaks::Imap, "CAPABILITY") => {
                    let auth: Vec<String> = offers.split(' ').map(|name| format!("AUTH={name}")).collect();
                    self.say(&format!("* CAPABILITY IMAP4rev1 SASL-IR {}", auth.join(" ")));
                    self.done("OK done");
                }
                (Speaks::Smtp, "EHLO") => self.say(&format!("250-gate\r\n250 AUTH {offers}")),
                (Speaks::Smtp, "MAIL") => self.say("250 ok"),
                (_, "AUTH" | "AUTHENTICATE") => {
                    let initial = rest.get(1).map(|text| (*text).to_owned());
                    let mechanism = rest[0].to_owned();
                    self.login(&mechanism, initial)?;
                }
                (Speaks::Imap, _) => self.done("BAD not here"),
                (Speaks::Pop3, "QUIT") => return Ok(()),
                (Speaks::Pop3, _) => self.say("-ERR not here"),
                (Speaks::Smtp, _) => self.say("500 not here"),
            }
        }
    }

    fn say(&mut self, line: &str) {
        self.peer.send(format!("{line}\r\n"));
    }

    fn done(&mut self, how: &str) {
        let line = format!("{} {how}", self.tag);
        self.say(&line);
    }

    /// The end of a login.
    fn verdict(&mut self, good: bool, data: &str) {
        match (self.speaks, good) {
            (Speaks::Pop3, true) => self.say(&format!("+OK {data}")),
            (Speaks::Pop3, false) => self.say("-ERR [AUTH] Authentication failed."),
            (Speaks::Imap, true) => self.done(&format!("OK {data} in")),
            (Speaks::Imap, false) => self.done("NO [AUTHENTICATIONFAILED] Authentication failed."),
            (Speaks::Smtp, true) => self.say(&format!("235 2.7.0 {data}")),
            (Speaks::Smtp, false) => self.say("535 5.7.8 Authentication failed."),
        }
    }

    /// A challenge, and the response to it; `None` where the client gives up.
    fn ask(&mut self, challenge: &[u8]) -> io::Result<Option<Vec<u8>>> {
        self.ask_line(&STANDARD.encode(challenge))
    }

    fn ask_line(&mut self, challenge: &str) -> io::Result<Option<Vec<u8>>> {
        match self.speaks {
            Speaks::Smtp => self.say(&format!("334 {challenge}")),
            Speaks::Pop3 | Speaks::Imap => self.say(&format!("+ {challenge}")),
        }
        let line = self.peer.read_command()?;
        if line == "*" {
            return Ok(None);
        }
        Ok(Some(STANDARD.decode(line).expect("a response is base64")))
    }

    /// What the client says first, with its command or when it is asked.
    fn first(&mut self, initial: Option<String>) -> io::Result<Option<Vec<u8>>> {
        let first = match initial.as_deref() {
            Some("=") => Some(Vec::new()),
            Some(text) => Some(STANDARD.decode(text).expect("an initial response is base64")),
            None => self.ask(b"")?,
        };
        match self.manner {
            Manner::Cut => {
                self.peer.end(End::Close);
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            Manner::Odd => {
                let given_up = self.ask_line("!odd!")?.is_none();
                assert!(given_up, "an exchange that makes no sense is cancelled");
                self.verdict(false, "");
                Ok(None)
            }
            _ => Ok(first),
        }
    }

    fn password(&self) -> &'static str {
        if self.manner == Manner::Wrong { "another" } else { SECRET }
    }

    fn login(&mut self, mechanism: &str, initial: Option<String>) -> io::Result<()> {
        if let Some(rest) = mechanism.strip_prefix("SCRAM-") {
            let digest =
                if rest.starts_with("SHA-256") { MessageDigest::sha256() } else { MessageDigest::sha1() };
            return self.scram(digest, rest.ends_with("-PLUS"), initial);
        }
        #[cfg(feature = "gssapi")]
        if let Some(realm) = self.realm.clone() {
            return self.gssapi(&realm, initial);
        }
        let Some(first) = (match mechanism {
            "CRAM-MD5" => self.cram(),
            "LOGIN" => self.login_by_prompts(),
            _ => self.first(initial),
        })?
        else {
            return Ok(());
        };
        let good = match mechanism {
            "PLAIN" => first == format!("\0{USER}\0{}", self.password()).as_bytes(),
            "EXTERNAL" => first == USER.as_bytes() && self.manner != Manner::Wrong,
            "CRAM-MD5" | "LOGIN" => first == b"good",
            // The test's own: the client's program says who it is, and gives back what it is given.
            _ => {
                let long = vec![b'x'; 30_000];
                first == USER.as_bytes()
                    && self.ask(&long)?.as_deref() == Some(&long[..])
                    && self.ask(b"")?.as_deref() == Some(b"")
                    && self.manner != Manner::Wrong
            }
        };
        self.verdict(good, "in");
        Ok(())
    }

    fn cram(&mut self) -> io::Result<Option<Vec<u8>>> {
        let challenge = b"<4711.17@localhost>";
        let response = match self.manner {
            Manner::Cut | Manner::Odd => return self.first(Some(String::new())),
            _ => self.ask(challenge)?,
        };
        let digest: String = keyed(MessageDigest::md5(), self.password().as_bytes(), challenge)
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        let good = response == Some(format!("{USER} {digest}").into_bytes());
        Ok(Some(if good { b"good".to_vec() } else { Vec::new() }))
    }

    fn login_by_prompts(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.manner == Manner::Cut {
            return self.first(Some(String::new()));
        }
        let user = self.ask(b"Username:")?;
        let secret = self.ask(b"Password:")?;
        let good =
            user.as_deref() == Some(USER.as_bytes()) && secret.as_deref() == Some(self.password().as_bytes());
        Ok(Some(if good { b"good".to_vec() } else { Vec::new() }))
    }

    /// The server's side of RFC 5802.
    fn scram(&mut self, digest: MessageDigest, plus: bool, initial: Option<String>) -> io::Result<()> {
        let Some(first) = self.first(initial)? else { return Ok(()) };
        let first = String::from_utf8(first).unwrap();
        let bare = first.splitn(3, ',').nth(2).unwrap().to_owned();
        let header = first[..first.len() - bare.len()].to_owned();
        self.headers.lock().unwrap().push(header.clone());
        assert!(bare.starts_with(&format!("n={USER},r=")), "{bare}");
        let nonce = bare.split_once(",r=").unwrap().1.to_owned();
        assert!(nonce.len() >= 24, "18 octets of base64: {nonce}");
        let salt = b"a salt of 16 oct";
        let (nonce, count) = match self.manner {
            Manner::OtherNonce => ("another".to_owned() + &nonce, 4096),
            Manner::Greedy => (nonce + "server", 2_000_000_000),
            _ => (nonce + "server", 4096),
        };
        let extension = if self.manner == Manner::Extension { "m=must," } else { "" };
        let challenge = format!("{extension}r={nonce},s={},i={count}", STANDARD.encode(salt));
        let Some(last) = self.ask(challenge.as_bytes())? else {
            self.verdict(false, "");
            return Ok(());
        };
        let last = String::from_utf8(last).unwrap();
        let (without_proof, proof) = last.rsplit_once(",p=").unwrap();
        let bound = [header.as_bytes(), &self.binding(&header, plus)].concat();
        let is_bound = without_proof == format!("c={},r={nonce}", STANDARD.encode(bound));

        let mut salted = vec![0; digest.size()];
        pbkdf2_hmac(self.password().as_bytes(), salt, 4096, digest, &mut salted).unwrap();
        let client_key = keyed(digest, &salted, b"Client Key");
        let stored = hash(digest, &client_key).unwrap();
        let text = format!("{bare},{challenge},{without_proof}");
        let signature = keyed(digest, &stored, text.as_bytes());
        let wanted: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        if !is_bound || STANDARD.decode(proof).unwrap() != wanted {
            if self.manner == Manner::Complains || self.manner == Manner::Wrong {
                self.ask(b"e=invalid-proof")?;
            }
            self.verdict(false, "");
            return Ok(());
        }
        if self.manner == Manner::OtherBinding {
            self.ask(b"e=unsupported-channel-binding-type")?;
            self.verdict(false, "");
            return Ok(());
        }
        let mut verifier = keyed(digest, &keyed(digest, &salted, b"Server Key"), text.as_bytes());
        if matches!(self.manner, Manner::SignsWrongly | Manner::SignsSuccessWrongly) {
            verifier[0] ^= 1;
        }
        let signed = format!("v={}", STANDARD.encode(verifier));
        match self.manner {
            Manner::SignsInSuccess | Manner::SignsSuccessWrongly => {
                self.verdict(true, &STANDARD.encode(signed));
            }
            Manner::NeverSigns => self.verdict(true, "in"),
            _ => match self.ask(signed.as_bytes())?.as_deref() {
                Some(b"") => self.verdict(true, "in"),
                _ => self.verdict(false, ""),
            },
        }
        Ok(())
    }

    /// The channel binding by the server's side of the connection.
    fn binding(&self, header: &str, plus: bool) -> Vec<u8> {
        assert_eq!(plus, header.starts_with("p="), "{header}");
        let ssl = self.peer.ssl().expect("TLS is up");
        match header.trim_end_matches(',') {
            "p=tls-exporter" => {
                let mut data = vec![0; 32];
                ssl.export_keying_material(&mut data, "EXPORTER-Channel-Binding", Some(b"")).unwrap();
                data
            }
            "p=tls-server-end-point" => {
                let certificate = ssl.certificate().unwrap().to_der().unwrap();
                hash(MessageDigest::sha256(), &certificate).unwrap().to_vec()
            }
            _ => Vec::new(),
        }
    }
}

fn keyed(digest: MessageDigest, key: &[u8], text: &[u8]) -> Vec<u8> {
    let key = PKey::hmac(key).unwrap();
    Signer::new(digest, &key).unwrap().sign_oneshot_to_vec(text).unwrap()
}
