//! Many messages over one channel: what is sent early with what, and what is tried again.

use super::job::{BODY as TEXT, outgoing, with_job};
use super::{CHUNKED, PIPED, PLAIN};
use postie::mail::outgoing::Outgoing;
use postie::words::Exit;
use postie::work::send::{Channel, Options, Report};

const OK: &str = "S: 250 ok\n";
const GO: &str = "S: 354 go\n";

fn ask(names: &[&str]) -> String {
    let rcpts: String = names.iter().map(|name| format!("C: RCPT TO:<{name}@x.org>\n")).collect();
    format!("C: MAIL FROM:<a@x.org>\n{rcpts}")
}

/// The envelope of one message to one recipient, followed by DATA.
fn ask_data(name: &str) -> String {
    format!("{}C: DATA\n", ask(&[name]))
}

const CHUNK: &str = "C: BDAT 3 LAST\nC: x\n";

/// Sends a message to each of these groups, all of them known from the start. Returns the reports, and how
/// many writes each session took.
fn batch(scripts: &[&str], groups: &[&[&str]], options: &Options) -> (Vec<Report>, Vec<usize>) {
    let mut messages: Vec<Outgoing> = groups.iter().map(|names| outgoing(names, b"x\r\n")).collect();
    let (reports, scripts) = with_job(scripts, options, |job| {
        let mut channel = Channel::new(job);
        let mut reports = Vec::new();
        for index in 0..messages.len() {
            let (this, rest) = messages[index..].split_first_mut().unwrap();
            reports.push(channel.send(this, rest.first(), &mut || {}));
        }
        channel.close();
        reports
    });
    (reports, scripts.iter().map(|script| script.writes()).collect())
}

fn exits(reports: &[Report]) -> Vec<Exit> {
    reports.iter().map(|report| report.exit).collect()
}

fn attempts(reports: &[Report]) -> Vec<u32> {
    reports.iter().map(|report| report.receipt.attempts).collect()
}

#[test]
fn the_next_envelope_is_sent_with_the_content_and_each_message_is_one_write() {
    let script = format!(
        "{PIPED}{}{OK}{OK}{GO}{TEXT}{}{OK}{OK}{OK}{GO}{TEXT}{}{OK}{OK}{OK}{GO}{TEXT}{OK}C: QUIT",
        ask_data("b"),
        ask_data("c"),
        ask_data("d")
    );
    let (reports, writes) = batch(&[&script], &[&["b"], &["c"], &["d"]], &Options::default());
    assert_eq!((exits(&reports), attempts(&reports)), (vec![Exit::Ok; 3], vec![1; 3]));
    assert_eq!(writes, [6], "EHLO, the first envelope, three contents, QUIT");
}

#[test]
fn after_bdat_the_next_envelope_is_sent_with_a_reset_and_its_content_waits() {
    let script = format!(
        "{CHUNKED}{b}{CHUNK}C: RSET\n{c}{OK}{OK}{OK}{OK}{OK}{OK}{CHUNK}C: RSET\n{d}{OK}{OK}{OK}{OK}{CHUNK}{OK}C: QUIT",
        b = ask(&["b"]),
        c = ask(&["c"]),
        d = ask(&["d"])
    );
    let (reports, writes) = batch(&[&script], &[&["b"], &["c"], &["d"]], &Options::default());
    assert_eq!((exits(&reports), attempts(&reports)), (vec![Exit::Ok; 3], vec![1; 3]));
    assert_eq!(writes, [5], "EHLO, the first message, two more contents, QUIT");
}

#[test]
fn refused_content_does_not_affect_the_next_envelope_sent_with_it() {
    for (first, exit) in [
        ("S: 250 ok\nS: 550 nobody\nS: 503 no", Exit::Recipient),
        ("S: 250 ok\nS: 250 ok\nS: 452 disk full", Exit::TempFail),
    ] {
        let script = format!(
            "{CHUNKED}{b}{CHUNK}C: RSET\n{c}{first}\n{OK}{OK}{OK}{CHUNK}{OK}C: QUIT",
            b = ask(&["b"]),
            c = ask(&["c"])
        );
        let (reports, _) = batch(&[&script], &[&["b"], &["c"]], &Options::default());
        assert_eq!(exits(&reports), [exit, Exit::Ok], "{first}");
    }
    let script = format!(
        "{PIPED}{}{OK}{OK}{GO}{TEXT}{}S: 554 spam\n{OK}{OK}{GO}{TEXT}{OK}C: QUIT",
        ask_data("b"),
        ask_data("c")
    );
    let (reports, _) = batch(&[&script], &[&["b"], &["c"]], &Options::default());
    assert_eq!(exits(&reports), [Exit::Unavailable, Exit::Ok]);
}

#[test]
fn an_early_envelope_that_is_refused_is_reported_in_order_and_the_next_starts_again() {
    let script = format!(
        "{PIPED}{}{OK}{OK}{GO}{TEXT}{}{OK}{OK}S: 550 no\nS: 554 nobody\nC: RSET\n{OK}{}{OK}{OK}{GO}{TEXT}{OK}C: QUIT",
        ask_data("b"),
        ask_data("c"),
        ask_data("d")
    );
    let (reports, _) = batch(&[&script], &[&["b"], &["c"], &["d"]], &Options::default());
    assert_eq!(exits(&reports), [Exit::Ok, Exit::Recipient, Exit::Ok]);
}

#[test]
fn with_on_rejected_abort_an_early_envelope_waits_for_all_its_recipients() {
    let script = format!(
        "{PIPED}{}{OK}{OK}{GO}{TEXT}{}{OK}{OK}{OK}{OK}C: DATA\n{GO}{TEXT}{}{OK}{OK}{OK}S: 550 no\nC: RSET\n{OK}C: QUIT",
        ask_data("b"),
        ask(&["c", "d"]),
        ask(&["e", "f"]),
    );
    let (reports, _) = batch(&[&script], &[&["b"], &["c", "d"], &["e", "f"]], &Options::default());
    assert_eq!(exits(&reports), [Exit::Ok, Exit::Ok, Exit::Recipient]);
}

#[test]
fn a_lost_session_leaves_at_most_one_message_unknown_and_the_rest_is_sent() {
    let (b, c, d) = (ask_data("b"), ask_data("c"), ask_data("d"));
    // Directly after the first content: the outcome of that message is unknown, and the next one starts
    // again.
    let first = format!("{PIPED}{b}{OK}{OK}{GO}{TEXT}{c}-- close");
    let riding = format!("{PIPED}{c}{OK}{OK}{GO}{TEXT}{d}{OK}{OK}{OK}{GO}{TEXT}{OK}C: QUIT");
    // If a server closes the connection over an early envelope, none is sent early again.
    let apart = format!("{PIPED}{c}{OK}{OK}{GO}{TEXT}{OK}{d}{OK}{OK}{GO}{TEXT}{OK}C: QUIT");
    let (reports, _) = batch(&[&first, &apart], &[&["b"], &["c"], &["d"]], &Options::default());
    assert_eq!(exits(&reports), [Exit::Unknown, Exit::Ok, Exit::Ok]);
    assert_eq!(attempts(&reports), [1, 1, 1]);
    // After the first reply to content: the content of the next message had not been sent, and it is tried
    // once more.
    for (end, second) in [
        ("-- close", &apart),
        ("S: 421 bye", &riding),
        ("S: 250 ok\n-- close", &apart),
        ("S: 250 ok\nS: 250 ok\nS: 421 bye", &riding),
    ] {
        let first = format!("{PIPED}{b}{OK}{OK}{GO}{TEXT}{c}{OK}{end}");
        let (reports, _) = batch(&[&first, second], &[&["b"], &["c"], &["d"]], &Options::default());
        assert_eq!((exits(&reports), attempts(&reports)), (vec![Exit::Ok; 3], vec![1, 2, 1]), "{end}");
    }
}

#[test]
fn the_first_content_sent_with_its_envelope_has_every_outcome() {
    let (b, c) = (ask(&["b"]), ask(&["c"]));
    let second = format!("{CHUNKED}{c}{CHUNK}{OK}{OK}{OK}C: QUIT");
    for (end, want, tried) in
        [("-- close", Exit::Unknown, 1), ("S: 250 ok\nS: 250 ok\n-- close", Exit::Unknown, 1)]
    {
        let first = format!("{CHUNKED}{b}{CHUNK}C: RSET\n{c}{end}");
        let (reports, _) = batch(&[&first, &second], &[&["b"], &["c"]], &Options::default());
        assert_eq!((exits(&reports), attempts(&reports)), (vec![want, Exit::Ok], vec![tried, 1]), "{end}");
    }
    // If a server refuses RSET, the session ends, and the early envelope goes over another one.
    let first = format!("{CHUNKED}{b}{CHUNK}C: RSET\n{c}{OK}{OK}{OK}S: 502 no RSET here");
    let second = format!("{CHUNKED}{c}{CHUNK}{OK}{OK}{OK}C: QUIT");
    let (reports, _) = batch(&[&first, &second], &[&["b"], &["c"]], &Options::default());
    assert_eq!((exits(&reports), attempts(&reports)), (vec![Exit::Ok; 2], vec![1, 2]));
    // 421 means that it was not accepted.
    let first = format!("{CHUNKED}{b}{CHUNK}C: RSET\n{c}S: 421 bye");
    let second = format!("{CHUNKED}{b}{CHUNK}C: RSET\n{c}{OK}{OK}{OK}{OK}{OK}{OK}{CHUNK}{OK}C: QUIT");
    let (reports, _) = batch(&[&first, &second], &[&["b"], &["c"]], &Options::default());
    assert_eq!((exits(&reports), attempts(&reports)), (vec![Exit::Ok; 2], vec![2, 1]));
}

#[test]
fn a_session_has_no_more_transactions_than_allowed() {
    let limited = PIPED.replace("250 PIPELINING", "250-PIPELINING\nS: 250 LIMITS MAILMAX=2");
    let (b, c, d) = (ask_data("b"), ask_data("c"), ask_data("d"));
    let first = format!("{limited}{b}{OK}{OK}{GO}{TEXT}{c}{OK}{OK}{OK}{GO}{TEXT}{OK}C: QUIT");
    let second = format!("{limited}{d}{OK}{OK}{GO}{TEXT}{OK}C: QUIT");
    let (reports, _) = batch(&[&first, &second], &[&["b"], &["c"], &["d"]], &Options::default());
    assert_eq!((exits(&reports), attempts(&reports)), (vec![Exit::Ok; 3], vec![1; 3]));
}

#[test]
fn no_envelope_is_sent_early_after_a_message_that_needs_another_transaction() {
    let too_many = "S: 452 4.5.3 too many recipients\n";
    let script = format!(
        "{PIPED}{}{OK}{OK}{too_many}C: DATA\n{GO}{TEXT}{OK}{}{OK}{OK}{GO}{TEXT}{}{OK}{OK}{OK}{GO}{TEXT}{OK}C: QUIT",
        ask(&["b", "c"]),
        ask_data("c"),
        ask_data("d")
    );
    let (reports, _) = batch(&[&script], &[&["b", "c"], &["d"]], &Options::default());
    assert_eq!(exits(&reports), [Exit::Ok, Exit::Ok]);
}

#[test]
fn closing_a_channel_drops_an_early_envelope() {
    let script = format!("{PIPED}{}{OK}{OK}{GO}{TEXT}{}{OK}", ask_data("b"), ask_data("c"));
    let (mut this, next) = (outgoing(&["b"], b"x\r\n"), outgoing(&["c"], b"x\r\n"));
    let options = Options::default();
    let (report, scripts) = with_job(&[&script], &options, |job| {
        let mut channel = Channel::new(job);
        let report = channel.send(&mut this, Some(&next), &mut || {});
        channel.close();
        report
    });
    assert_eq!(report.exit, Exit::Ok);
    assert!(!scripts[0].sent().contains("QUIT"), "the server may take it for content");
}

#[test]
fn without_pipelining_no_envelope_is_sent_early() {
    let one = |name: &str| {
        format!("C: MAIL FROM:<a@x.org>\n{OK}C: RCPT TO:<{name}@x.org>\n{OK}C: DATA\n{GO}{TEXT}{OK}")
    };
    let script = format!("{PLAIN}{}{}C: QUIT", one("b"), one("c"));
    let (reports, _) = batch(&[&script], &[&["b"], &["c"]], &Options::default());
    assert_eq!(exits(&reports), [Exit::Ok, Exit::Ok]);
}

#[test]
fn a_server_that_does_not_know_bdat_is_remembered() {
    let (b, c) = (ask(&["b"]), ask(&["c"]));
    let first = format!("{CHUNKED}{b}{CHUNK}C: RSET\n{c}{OK}{OK}S: 500 what?");
    let second = format!(
        "{CHUNKED}{}{OK}{OK}{GO}{TEXT}{}{OK}{OK}{OK}{GO}{TEXT}{OK}C: QUIT",
        ask_data("b"),
        ask_data("c")
    );
    let (reports, _) = batch(&[&first, &second], &[&["b"], &["c"]], &Options::default());
    assert_eq!((exits(&reports), attempts(&reports)), (vec![Exit::Ok; 2], vec![2, 1]));
}

#[test]
fn an_early_envelope_without_reply_is_sent_once_more_and_none_is_sent_early_again() {
    let (b, c, d, e) = (ask_data("b"), ask_data("c"), ask_data("d"), ask_data("e"));
    let apart: String = [&c, &d, &e].map(|ask| format!("{ask}{OK}{OK}{GO}{TEXT}{OK}")).concat();
    let second = format!("{PIPED}{apart}C: QUIT");
    // What the server does with MAIL, RCPT and DATA after the dot: nothing; it loses the first, the first and
    // a part of the second, the last, the middle one.
    for lost in [
        "-- stall",
        "S: 503 5.5.1 need MAIL",
        "S: 500 5.5.2 what\nS: 503 no",
        "S: 250 ok\nS: 250 ok\n-- stall",
        "S: 250 ok\nS: 354 go",
        "S: 250 ok\nS: 503 no\n-- stall",
        "S: 550 5.7.1 not you\n-- stall",
        "S: 250 ok\nS: what",
        "-- close",
    ] {
        let first = format!("{PIPED}{b}{OK}{OK}{GO}{TEXT}{c}{OK}{lost}");
        let groups: [&[&str]; 4] = [&["b"], &["c"], &["d"], &["e"]];
        let (reports, _) = batch(&[&first, &second], &groups, &Options::default());
        assert_eq!((exits(&reports), attempts(&reports)), (vec![Exit::Ok; 4], vec![1, 2, 1, 1]), "{lost}");
    }
}

#[test]
fn an_early_envelope_after_bdat_without_reply_is_sent_once_more() {
    let (b, c, d) = (ask(&["b"]), ask(&["c"]), ask(&["d"]));
    // Only the content of a session's first message goes with its envelope.
    let second = format!("{CHUNKED}{c}{CHUNK}{OK}{OK}{OK}{d}{OK}{OK}{CHUNK}{OK}C: QUIT");
    for lost in
        ["-- stall", "S: 250 reset\n-- stall", "S: 250 ok\nS: 250 ok\n-- stall", "S: 500 what", "-- close"]
    {
        let first = format!("{CHUNKED}{b}{CHUNK}C: RSET\n{c}{OK}{OK}{OK}{lost}");
        let (reports, _) = batch(&[&first, &second], &[&["b"], &["c"], &["d"]], &Options::default());
        assert_eq!((exits(&reports), attempts(&reports)), (vec![Exit::Ok; 3], vec![1, 2, 1]), "{lost}");
    }
}

#[test]
fn over_a_silent_server_an_ordinary_envelope_is_not_retried_and_sent_content_never_is() {
    let (b, c) = (ask_data("b"), ask_data("c"));
    let first = format!("{PIPED}{b}{OK}-- stall");
    let (reports, _) = batch(&[&first], &[&["b"]], &Options::default());
    assert_eq!((exits(&reports), attempts(&reports)), (vec![Exit::TempFail], vec![1]));
    for (end, exit) in [("-- stall", Exit::Unknown), ("-- close", Exit::Unknown), ("S: what", Exit::Unknown)]
    {
        let script = format!("{PIPED}{b}{OK}{OK}{GO}{TEXT}{c}{OK}{OK}{OK}{GO}{TEXT}{end}");
        let (reports, _) = batch(&[&script], &[&["b"], &["c"]], &Options::default());
        assert_eq!((exits(&reports), attempts(&reports)), (vec![Exit::Ok, exit], vec![1, 1]), "{end}");
    }
}

#[test]
fn content_answered_with_421_was_not_accepted_and_is_sent_once_more() {
    let (b, c) = (ask_data("b"), ask_data("c"));
    let first = format!("{PIPED}{b}{OK}{OK}{GO}{TEXT}{c}S: 421 4.3.2 closing");
    let second = format!("{PIPED}{b}{OK}{OK}{GO}{TEXT}{c}{OK}{OK}{OK}{GO}{TEXT}{OK}C: QUIT");
    let (reports, _) = batch(&[&first, &second], &[&["b"], &["c"]], &Options::default());
    assert_eq!((exits(&reports), attempts(&reports)), (vec![Exit::Ok; 2], vec![2, 1]));
}
