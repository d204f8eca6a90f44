//! The server's side of GSSAPI (`RFC 4752`). Its tokens are made by MIT's library in a process of its own, because the
//! library finds its key by the environment, which all tests of a process share.

use super::{Door, Manner, Realm};
use crate::support::pop3d::USER;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libgssapi::context::{SecurityContext as _, ServerCtx};
use libgssapi::credential::{Cred, CredUsage};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What a line of the process's answers begins with: the test harness writes others.
const MARK: &str = "acceptor: ";

/// The process, for one login.
struct Acceptor {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Acceptor {
    fn start(realm: &Realm) -> Acceptor {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kerberos::the_acceptor_s_own_process", "--ignored", "--nocapture"])
            .env("KRB5_CONFIG", &realm.configuration)
            .env("KRB5_KTNAME", &realm.keytab)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Acceptor { child, input, output }
    }

    /// What the library makes of these octets.
    fn ask(&mut self, what: &str, octets: &[u8]) -> Vec<u8> {
        writeln!(self.input, "{what} {}", STANDARD.encode(octets)).unwrap();
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some((_, answer)) = line.split_once(MARK) {
                return STANDARD.decode(answer.trim()).unwrap();
            }
            line.clear();
        }
        panic!("the acceptor died over {what}");
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

/// What runs in the process.
#[allow(clippy::print_stdout, reason = "it speaks by its standard output")]
pub fn serve() {
    let mut context = ServerCtx::new(Some(Cred::acquire(None, None, CredUsage::Accept, None).unwrap()));
    for line in io::stdin().lines() {
        let line = line.unwrap();
        let (what, octets) = line.split_once(' ').unwrap();
        let octets = STANDARD.decode(octets).unwrap();
        let answer = match what {
            "accept" => context.step(&octets, None).unwrap().map_or(Vec::new(), |token| token.to_vec()),
            "wrap" => context.wrap(false, &octets).unwrap().to_vec(),
            "unwrap" => context.unwrap(&octets).unwrap().to_vec(),
            _ => panic!("{what}?"),
        };
        println!("\n{MARK}{}", STANDARD.encode(answer));
    }
}

impl Door {
    pub(super) fn gssapi(&mut self, realm: &Realm, initial: Option<String>) -> io::Result<()> {
        let Some(first) = self.first(initial)? else { return Ok(()) };
        let mut acceptor = Acceptor::start(realm);
        let mut token = acceptor.ask("accept", &first);
        match self.manner {
            Manner::LetsInEarly => {
                self.verdict(true, "in");
                return Ok(());
            }
            Manner::OtherToken => *token.last_mut().unwrap() ^= 1,
            Manner::NoToken => token.clear(),
            _ => {}
        }
        let Some(answer) = self.ask(&token)? else {
            self.verdict(false, "");
            return Ok(());
        };
        assert_eq!(answer, b"", "there are no more tokens");
        let offer: &[u8] = match self.manner {
            Manner::Layers => &[7, 0, 0x40, 0],
            Manner::OnlyLayers => &[6, 0, 0x40, 0],
            Manner::NoOffer => &[0; 4],
            Manner::LongOffer => &[1, 0, 0, 0, 0],
            Manner::ShortOffer => &[1],
            Manner::SizeWithoutLayer => &[1, 0, 0x40, 0],
            _ => &[1, 0, 0, 0],
        };
        let mut message = acceptor.ask("wrap", offer);
        match self.manner {
            Manner::Unprotected => message = offer.to_vec(),
            Manner::Changed => *message.last_mut().unwrap() ^= 1,
            _ => {}
        }
        let Some(choice) = self.ask(&message)? else {
            self.verdict(false, "");
            return Ok(());
        };
        let choice = acceptor.ask("unwrap", &choice);
        let good = choice == [&[1, 0, 0, 0], USER.as_bytes()].concat();
        assert!(good, "no layer is chosen, of no size, and the user is named: {choice:?}");
        self.verdict(self.manner != Manner::Wrong, "in");
        Ok(())
    }
}
