//! The job of sending a message: how it handles replies, over any number of sessions and transactions.

use super::*;
use postie::codec::smtp::{Notify, Return};
use postie::mail::outgoing::{ContentWriter, Envelope, Outgoing};
use postie::words::{Exit, Stage};
use postie::work::send::{DeliveryStatus, Options, Report, SendJob, check, send};
use std::cell::RefCell;
use std::collections::VecDeque;

pub(super) const HELLO: &str = "S: 220 mx\nC: EHLO client.example.org\n";
pub(super) const BODY: &str = "C: x\nC: .\n";

pub(super) fn message(from: &str, to: &[&str], content: &[u8]) -> Outgoing {
    let mut spool = ContentWriter::default();
    spool.push(content).unwrap();
    Outgoing {
        envelope: Envelope {
            from: address(from).into(),
            recipients: to.iter().map(|to| address(to)).collect(),
        },
        content: spool.finish().unwrap(),
        message_id: "id@x.org".into(),
        international: false,
    }
}

pub(super) fn outgoing(names: &[&str], content: &[u8]) -> Outgoing {
    let to: Vec<String> = names.iter().map(|name| format!("{name}@x.org")).collect();
    message("a@x.org", &to.iter().map(String::as_str).collect::<Vec<_>>(), content)
}

/// Gives `work` a job whose connections play the scripts in turn, and checks that all are played.
pub(super) fn with_job<T>(
    scripts: &[&str],
    options: &Options,
    work: impl FnOnce(&SendJob<'_>) -> T,
) -> (T, Vec<ScriptLink>) {
    let scripts: Vec<ScriptLink> = scripts.iter().map(|text| ScriptLink::of(text)).collect();
    let waiting: RefCell<VecDeque<ScriptLink>> = RefCell::new(scripts.iter().cloned().collect());
    let connect = || match waiting.borrow_mut().pop_front() {
        Some(script) => Ok(script.wire(Limits::default())),
        None => Err(Failure::new(Kind::Network, Stage::Connect, "mx: connect: refused")),
    };
    let endpoint = Endpoint {
        host: "mx.example.org".into(),
        port: 25,
        security: Security::None,
        carries_secret: false,
        allow_plaintext_auth: false,
        proxy: None,
    };
    let name = EhloName::domain("client.example.org").unwrap();
    let limits = Limits::default();
    let opening = Opening { endpoint: &endpoint, tls: None, login: None, name: Some(&name) };
    let result = work(&SendJob { opening, login: None, connect: &connect, limits: &limits, options });
    scripts.iter().for_each(ScriptLink::assert_done);
    assert!(waiting.borrow().is_empty(), "a session was not used");
    (result, scripts)
}

/// Runs a job against one script for each attempt.
pub(super) fn play(scripts: &[&str], outgoing: &mut Outgoing, options: &Options) -> Report {
    with_job(scripts, options, |job| send(job, outgoing, &mut |_| {})).0
}

pub(super) fn send_once(script: &str, recipients: &[&str], options: &Options) -> Report {
    play(&[script], &mut outgoing(recipients, b"x\r\n"), options)
}

pub(super) fn statuses(report: &Report) -> Vec<&'static str> {
    report.receipt.recipients.iter().map(|recipient| recipient.status.name()).collect()
}

/// The dialogue of one transaction without pipelining, up to the recipients' replies.
pub(super) fn envelope(replies: &[(&str, &str)]) -> String {
    let mut text = "C: MAIL FROM:<a@x.org>\nS: 250 ok\n".to_owned();
    for (name, reply) in replies {
        text.push_str(&format!("C: RCPT TO:<{name}@x.org>\nS: {reply}\n"));
    }
    text
}

pub(super) fn data(verdict: &str) -> String {
    format!("C: DATA\nS: 354 go\n{BODY}S: {verdict}\n")
}

#[test]
fn an_accepted_message_has_a_whole_receipt() {
    let script = format!(
        "{PLAIN}{}{}C: QUIT",
        envelope(&[("b", "250 2.1.5 fine")]),
        data("250 2.0.0 Ok: queued as 4F2A")
    );
    let report = send_once(&script, &["b"], &Options::default());
    assert_eq!((report.exit, report.receipt.status), (Exit::Ok, DeliveryStatus::Accepted));
    assert!(report.failures.is_empty());
    let json = serde_json::to_value(&report.receipt).unwrap();
    assert_eq!(json["recipients"][0]["status"], "accepted");
    assert_eq!(json["recipients"][0]["code"], 250);
    assert_eq!(json["recipients"][0]["enhanced"], "2.1.5");
    assert_eq!(json["recipients"][0]["text"], "fine");
    assert_eq!(json["queue_id"], "4F2A");
    assert_eq!(json["reply"], "250 2.0.0 Ok: queued as 4F2A");
    assert_eq!((&json["size"], &json["attempts"]), (&3.into(), &1.into()));
    assert_eq!((&json["message_id"], &json["envelope_from"]), (&"id@x.org".into(), &"a@x.org".into()));
}

#[test]
fn mixed_recipients_end_in_the_code_of_the_on_rejected_policy() {
    let abort = Options::default();
    let send = Options { on_rejected: OnRejected::Send, ..Options::default() };
    let (yes, no, later) = ("250 ok", "550 no", "450 later");
    for (b, c, options, exit, want) in [
        (yes, no, &abort, Exit::Recipient, ["skipped", "refused"]),
        (later, no, &abort, Exit::Recipient, ["deferred", "refused"]),
        (later, yes, &abort, Exit::TempFail, ["deferred", "skipped"]),
        (later, no, &send, Exit::TempFail, ["deferred", "refused"]),
        (no, no, &send, Exit::Recipient, ["refused", "refused"]),
        (yes, no, &send, Exit::Partial, ["accepted", "refused"]),
        (later, yes, &send, Exit::Partial, ["deferred", "accepted"]),
    ] {
        let end = if exit == Exit::Partial { data("250 ok") } else { "C: RSET\nS: 250 ok\n".into() };
        let script = format!("{PLAIN}{}{end}C: QUIT", envelope(&[("b", b), ("c", c)]));
        let report = send_once(&script, &["b", "c"], options);
        assert_eq!((report.exit, statuses(&report)), (exit, want.to_vec()), "{b} {c}");
    }
}

#[test]
fn a_permanent_refusal_decides_even_if_the_session_ends_after_it() {
    for end in ["421 too many errors", "what"] {
        let script = format!("{PLAIN}{}", envelope(&[("b", "550 no"), ("c", end)]));
        let report = send_once(&script, &["b", "c"], &Options::default());
        assert_eq!((report.exit, report.receipt.status), (Exit::Recipient, DeliveryStatus::Refused), "{end}");
        assert_eq!(report.failures[0].1.kind(), Kind::Recipient);
        assert_eq!(report.failures.len(), 2);
    }
}

#[test]
fn too_many_recipients_is_recognised_only_after_an_accepted_recipient() {
    for reply in [
        "452 4.5.3 limit",
        "452 Too many recipients",
        "452 sorry, too many recipients (#5.5.3)",
        "451 4.5.3 Error: too many recipients",
        "450 4.5.3 no more",
        "550 5.5.3 Too many recipients",
        "552 too many RCPTs",
        "554 5.5.3 enough",
    ] {
        let script = format!(
            "{PLAIN}{}{}{}{}C: QUIT",
            envelope(&[("b", "250 ok"), ("c", reply)]),
            data("250 ok"),
            envelope(&[("c", "250 ok")]),
            data("250 ok"),
        );
        let report = send_once(&script, &["b", "c"], &Options::default());
        assert_eq!((report.exit, statuses(&report)), (Exit::Ok, vec!["accepted"; 2]), "{reply}");
    }
    for (reply, exit) in [
        ("452 4.2.2 mailbox full", Exit::TempFail),
        ("452 4.3.1 disk full", Exit::TempFail),
        ("552 5.2.2 over quota", Exit::Recipient),
        ("550 5.7.1 too many recipients for a day", Exit::Recipient),
    ] {
        let script =
            format!("{PLAIN}{}C: RSET\nS: 250 ok\nC: QUIT", envelope(&[("b", "250 ok"), ("c", reply)]));
        assert_eq!(send_once(&script, &["b", "c"], &Options::default()).exit, exit, "{reply}");
    }
    let script = format!("{PLAIN}{}C: RSET\nS: 250 ok\nC: QUIT", envelope(&[("b", "452 4.5.3 none")]));
    assert_eq!(send_once(&script, &["b"], &Options::default()).exit, Exit::TempFail);
}

#[test]
fn a_recipient_limit_once_met_is_respected_so_that_no_rcpt_is_sent_twice() {
    let names: Vec<String> = (0..1000).map(|n| format!("r{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rcpts =
        |names: &[&str]| names.iter().map(|name| format!("C: RCPT TO:<{name}@x.org>\n")).collect::<String>();
    let from = "C: MAIL FROM:<a@x.org>\n";
    // A flight of a hundred commands: 50 recipients are accepted, and 49 are too many.
    let mut script = format!("{PIPED}{from}{}S: 250 ok\n", rcpts(&names[..99]));
    script += &"S: 250 ok\n".repeat(50);
    script += &"S: 452 4.5.3 too many recipients\n".repeat(49);
    script += &format!("C: DATA\nS: 354 go\n{BODY}S: 250 ok\n");
    for part in names[50..].chunks(50) {
        let last = part.ends_with(&names[999..]);
        let quit = if last { "C: QUIT\n" } else { "" };
        script += &format!(
            "{from}{}{}C: DATA\nS: 354 go\n{BODY}{quit}S: 250 ok\n",
            rcpts(part),
            "S: 250 ok\n".repeat(51)
        );
    }
    let report = send_once(&script, &names, &Options::default());
    assert_eq!((report.exit, report.receipt.recipients.len()), (Exit::Ok, 1000));
}

#[test]
fn a_missing_extension_is_reported_before_mail() {
    let all = "S: 250-mx\nS: 250-SIZE 5\nS: 250 8BITMIME\n";
    let reports = Options { notify: Some(Notify::default()), ..Options::default() };
    let tls = Options { require_tls: true, ..Options::default() };
    let plain = Options::default();
    for (content, international, options, offer, exit) in [
        (&b"123456\r\n"[..], false, &plain, all, Exit::Unavailable),
        (b"x\r\n", true, &plain, all, Exit::Unavailable),
        (b"x\r\n", false, &reports, all, Exit::Unavailable),
        (b"x\r\n", false, &tls, "S: 250-mx\nS: 250 REQUIRETLS\n", Exit::Unavailable),
        (b"\xfc\r\n", false, &plain, "S: 250 mx\n", Exit::Data),
    ] {
        let mut outgoing = outgoing(&["b"], content);
        outgoing.international = international;
        let report = play(&[&format!("{HELLO}{offer}C: QUIT")], &mut outgoing, options);
        assert_eq!(report.exit, exit, "{content:?} {offer}");
        assert_eq!(statuses(&report), ["skipped"]);
        assert_eq!(report.receipt.status.name(), if exit == Exit::Data { "failed" } else { "refused" });
    }
}

#[test]
fn needed_extensions_that_are_offered_are_declared() {
    let options = Options {
        notify: Some(Notify { failure: true, ..Notify::default() }),
        ret: Some(Return::Headers),
        envid: Some("job 1".into()),
        ..Options::default()
    };
    let script = format!(
        "{HELLO}S: 250-mx\nS: 250-SIZE\nS: 250-8BITMIME\nS: 250-SMTPUTF8\nS: 250 DSN\n\
         C: MAIL FROM:<a@x.org> SIZE=3 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=job+201\nS: 250 ok\n\
         C: RCPT TO:<b@x.org> NOTIFY=FAILURE ORCPT=rfc822;b@x.org\nS: 550 no\nC: RSET\nS: 250 ok\nC: QUIT"
    );
    let mut outgoing = outgoing(&["b"], b"\xfc\r\n");
    outgoing.international = true;
    assert_eq!(play(&[&script], &mut outgoing, &options).exit, Exit::Recipient);
}

#[test]
fn a_421_at_rcpt_is_the_result_of_that_recipient() {
    for policy in [OnRejected::Abort, OnRejected::Send] {
        let script = format!("{PLAIN}{}", envelope(&[("b", "250 ok"), ("c", "421 4.7.0 slow down")]));
        let options = Options { on_rejected: policy, ..Options::default() };
        let report = play(&[&script], &mut outgoing(&["b", "c", "d"], b"x\r\n"), &options);
        assert_eq!((report.exit, report.receipt.status), (Exit::TempFail, DeliveryStatus::Deferred));
        assert_eq!(statuses(&report), ["skipped", "deferred", "skipped"]);
        let c = &report.receipt.recipients[1];
        assert_eq!(
            (c.code, c.enhanced.as_deref(), c.text.as_deref()),
            (Some(421), Some("4.7.0"), Some("slow down"))
        );
    }
}

#[test]
fn a_check_sends_nothing_and_reports_what_would_happen() {
    let send = Options { on_rejected: OnRejected::Send, ..Options::default() };
    let abort = Options::default();
    for (reply, options, exit) in [
        ("250 ok", &abort, Exit::Ok),
        ("550 no", &abort, Exit::Recipient),
        ("450 later", &abort, Exit::TempFail),
        ("550 no", &send, Exit::Partial),
    ] {
        let script =
            format!("{PLAIN}{}C: RSET\nS: 250 ok\nC: QUIT", envelope(&[("b", "250 ok"), ("c", reply)]));
        let message = &mut outgoing(&["b", "c"], b"x\r\n");
        let report = with_job(&[&script], options, |job| check(job, message)).0;
        assert_eq!(report.exit, exit, "{reply}");
    }
}

#[test]
fn a_demand_for_login_or_tls_is_not_reported_as_a_wrong_address() {
    for (reply, exit) in [
        ("530 5.7.0 Authentication required", Exit::NoPerm),
        ("550 5.7.1 authentication required", Exit::NoPerm),
        ("554 5.7.1 <b@x.org>: Relay access denied", Exit::NoPerm),
        ("530 5.7.0 Must issue a STARTTLS command first", Exit::Unavailable),
        ("550 5.1.1 nobody", Exit::Recipient),
    ] {
        let script = format!("{PLAIN}{}C: RSET\nS: 250 ok\nC: QUIT", envelope(&[("b", reply)]));
        for policy in [OnRejected::Abort, OnRejected::Send] {
            let options = Options { on_rejected: policy, ..Options::default() };
            let report = send_once(&script, &["b"], &options);
            assert_eq!((report.exit, report.receipt.status), (exit, DeliveryStatus::Refused), "{reply}");
            assert_eq!(statuses(&report), ["refused"]);
            assert!(report.failures[0].1.hint.is_some(), "every refusal comes with what may help: {reply}");
        }
        let mixed = format!(
            "{PLAIN}{}C: RSET\nS: 250 ok\nC: QUIT",
            envelope(&[("b", reply), ("c", "550 5.1.1 nobody")])
        );
        assert_eq!(send_once(&mixed, &["b", "c"], &Options::default()).exit, Exit::Recipient, "{reply}");
        let at_mail = format!("{PLAIN}C: MAIL FROM:<a@x.org>\nS: {reply}\nC: QUIT");
        let want = if exit == Exit::Recipient { Exit::Unavailable } else { exit };
        assert_eq!(send_once(&at_mail, &["b"], &Options::default()).exit, want, "{reply}");
    }
    // Content that was in the same flight as such a MAIL is refused, as with any other.
    let flight = "C: MAIL FROM:<a@x.org>\nC: RCPT TO:<b@x.org>\nC: BDAT 3 LAST\nC: x\nC: QUIT\n";
    let script = format!("{CHUNKED}{flight}S: 530 5.7.0 Authentication required\nS: 503 no\nS: 503 no");
    let report = send_once(&script, &["b"], &Options::default());
    assert_eq!((report.exit, statuses(&report)), (Exit::NoPerm, vec!["skipped"]));
}
