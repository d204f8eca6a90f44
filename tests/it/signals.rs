//! A run that gets a signal: everything is left consistent, the summary is written, and the process ends by
//! that signal.

use crate::support::disk::{assert_same, mbox, sorted};
use crate::support::mailbox::{Mailbox, message_of};
use crate::support::peer::{End, Victim};
use crate::support::pop3d::{Act, Event, Pop3d};
use crate::support::process::ending_signals;
use crate::support::smtpd::Smtpd;
use crate::world;
use rustix::process::Signal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_signal_at_any_step_of_a_fetch_leaves_everything_consistent() {
    for signal in ending_signals() {
        let (end, number) = (End::Signal(signal), signal.as_raw());
        for step in ["", "CAPA", "PASS", "UIDL", "RETR 2", "DELE 2", "QUIT"] {
            for into_mbox in [false, true] {
                let mailbox = Mailbox::of((1..=3).map(|number| message_of(number, 3000)));
                let all = sorted(mailbox.as_stored());
                let armed = Arc::new(AtomicBool::new(true));
                let hook = move |event: &Event<'_>| {
                    let here = event.line == step || event.verb == step;
                    if here && armed.swap(false, Ordering::SeqCst) { Act::end(end) } else { Act::Normal }
                };
                let server = Pop3d::for_mailbox(&mailbox).hook(hook).start();
                let world = world();
                let run = || if into_mbox { world.fetch_mbox(&server) } else { world.fetch(&server) };
                let outcome = run().arg("--delete").go();
                assert_eq!(outcome.signal, Some(number), "{step}: {outcome:?}");
                outcome.summary();
                let stored = || if into_mbox { sorted(mbox(&world.path("mbox"))) } else { world.mail() };
                if !into_mbox || world.path("mbox").exists() {
                    for copy in stored() {
                        assert!(all.contains(&copy), "{step}: a torn message");
                    }
                }
                run().arg("--delete").go().assert_exit(0);
                assert_same(&stored(), &all);
                assert!(mailbox.messages().is_empty(), "{step}");
            }
        }
    }
}

#[test]
fn a_signal_before_the_content_sends_nothing_and_after_it_the_outcome_is_unknown() {
    for signal in ending_signals() {
        let (end, number) = (End::Signal(signal), signal.as_raw());
        for (step, status) in [("EHLO", None), ("RCPT", None), (".", Some("unknown"))] {
            let hook = move |event: &Event<'_>| {
                if event.verb == step { Act::end(end) } else { Act::Normal }
            };
            let server = Smtpd::for_mailbox(&Mailbox::default()).hook(hook).start();
            let world = world();
            let outcome = world.send(&server).arg("bob@example.org").stdin("text\n").go();
            assert_eq!(outcome.signal, Some(number), "{step}: {outcome:?}");
            outcome.summary();
            assert!(server.accepted().is_empty());
            if let Some(status) = status {
                assert_eq!(outcome.of_type("receipt")[0]["status"], status, "{step}");
            }
        }
    }
}

#[test]
fn a_signal_that_the_parent_ignores_ends_nothing_but_interrupt_and_terminate() {
    for (signal, word) in [(Signal::HUP, "HUP"), (Signal::QUIT, "QUIT"), (Signal::USR1, "USR1")] {
        let victim = Victim::default();
        let process = victim.clone();
        let server = Pop3d::for_mailbox(&Mailbox::with(2))
            .hook(move |event| {
                if event.verb == "RETR" {
                    process.signal(signal);
                }
                Act::Normal
            })
            .start();
        let world = world();
        let run = world.fetch(&server).victim(victim).under_shell(&format!("trap '' {word}"));
        run.go().assert_exit(0);
        assert_eq!(world.mail().len(), 2, "{word}");
    }
    let server = Pop3d::for_mailbox(&Mailbox::with(1))
        .hook(|event| if event.verb == "RETR" { Act::end(End::Terminate) } else { Act::Normal })
        .start();
    let outcome = world().fetch(&server).under_shell("trap '' TERM").go();
    assert_eq!(outcome.signal, Some(15), "{outcome:?}");
}

#[test]
fn max_time_ends_a_run_with_any_server() {
    let mailbox = Mailbox::with(2);
    let server = Pop3d::for_mailbox(&mailbox)
        .hook(|event| if event.verb == "RETR" { Act::end(End::Stall) } else { Act::Normal })
        .start();
    let world = world();
    let outcome = world.fetch(&server).args(["--max-time", "1s"]).go();
    outcome.assert_failure(75, "timeout");
}
