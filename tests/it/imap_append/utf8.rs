//! A header in UTF-8 that is filed on a server that wants UTF-8 (RFC 6855 §4; RFC 9755 has no form for it any more).

use super::{NOTHING, assert_filed, configure, receipt, smtp};
use crate::support::imapd::quirks::Quirk;
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::imapd::{Imapd, Setup};
use crate::support::pop3d::Mode;
use crate::world;

fn store() -> ImapStore {
    let store = ImapStore::with(1);
    store.create(Folder::new("Gesendet").attribute("\\Sent"));
    store
}

fn imap(store: &ImapStore) -> Setup {
    Imapd::for_store(store).mode(Mode::Plain).with("ENABLE").with("UTF8=ONLY")
}

#[test]
fn a_header_in_utf8_is_filed_as_the_server_wants_it() {
    for (subject, quirk, tries) in [
        ("Gr\u{fc}\u{df}e", None, &["UTF8 (~{"][..]),
        ("Gr\u{fc}\u{df}e", Some(Quirk::NoUtf8Append), &[" {"]),
        ("plain", None, &[" {"]),
    ] {
        for long in [0, 9000] {
            let store = store();
            let setup = imap(&store).with("LITERAL+");
            let server = match quirk.clone() {
                Some(quirk) => setup.quirk(quirk).start(),
                None => setup.start(),
            };
            let smtp = smtp().with("SMTPUTF8").with("8BITMIME").start();
            let world = world();
            configure(&world, smtp.port(), server.port());
            let text = format!("To: bob@example.org\nSubject: {subject}\n\n{}\n", "\u{fc}\n".repeat(long));
            let run =
                world.postie(["--json", "send", "--save-copy", "imap", "--raw", "-f", "ana@example.org"]);
            let outcome = run.stdin(text).go();
            outcome.assert_exit(0);
            assert!(receipt(&outcome)["saved_copy"].is_object(), "{subject} {long}");
            assert_filed(&smtp, &store);
            // One whose literal was refused was never a whole command.
            let appends = server.commands_with("APPEND");
            assert_eq!(appends.len(), tries.len(), "{appends:?}");
            for (append, form) in appends.iter().zip(tries) {
                let (_, announced) = append.rsplit_once('"').unwrap();
                assert!(announced.trim_start().starts_with(form.trim_start()), "{append}");
            }
            assert_eq!(server.violations(), NOTHING, "{subject} {long}");
        }
    }
}
