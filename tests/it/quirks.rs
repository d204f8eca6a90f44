//! Real servers' oddities: each transcript of `tests/transcripts/pop3/quirks` is one of them, named after it.
//! This file has what they have in common; `quirks_login` and `quirks_mail` have what `fetch` does with each.
//!
//! The classes of failure and attack that a fetch meets, and the test of each:
//!
//! | class | test |
//! |---|---|
//! | 25 endless line | `fetch_hostile::an_endless_line_is_refused_in_bounded_time_and_memory` |
//! | 26 endless line of a message | `fetch_hostile::memory_does_not_grow_with_a_line` |
//! | 27 endless listing | `fetch_hostile::an_endless_listing_is_refused_in_bounded_time_and_memory` |
//! | 28 malformed numbers | `quirks_mail::listed_sizes_are_only_hints` |
//! | 29 counts that disagree | `fetch_hostile::contradictory_counts_lose_no_message_and_missing_rows_are_reported`, `quirks_mail::messages_that_uidl_lists_are_fetched_and_others_reported` |
//! | 30 sizes that are wrong | `quirks_mail::listed_sizes_are_only_hints` |
//! | 31 duplicate UIDs | `quirks_mail::messages_with_one_uid_are_kept_apart_and_never_deleted_by_it` |
//! | 32 UIDL missing, partial | `quirks_mail::without_uidl_keeping_mail_is_refused_and_a_uidl_that_vanishes_doubles_nothing` |
//! | 33 malicious UIDs | `fetch_hostile::odd_uids_lose_and_double_nothing_and_do_not_leave_the_state_directory`, `quirks_mail::odd_uids_are_opaque` |
//! | 34 UIDs re-used, all changed | `fetch_particulars::twenty_known_uids_that_are_all_gone_are_a_reset_and_nineteen_are_not`, `quirks_mail::a_uid_of_another_size_is_another_message`, `quirks_mail::a_mailbox_with_all_other_uids_stops_the_run_until_accepted` |
//! | 35 replies out of step | `quirks_mail::too_many_or_too_few_replies_delete_no_wrong_message`, `fetch_particulars::an_unexpected_reply_adds_no_line_to_a_message_and_loses_none`, `pipelining` |
//! | 36 DELE and QUIT refused, unanswered | `fetch_lost::a_quit_that_fails_leaves_the_deletion_pending_and_the_next_run_repeats_it_without_fetching`, `fetch_lost::a_refused_deletion_is_reported_and_tried_again` |
//! | 37 early end | `fetch_lost::a_connection_ended_at_any_step_loses_and_doubles_nothing_in_a_maildir`, `pop3_session::a_connection_cut_off_after_any_octet_is_an_error_and_confirms_no_torn_message` |
//! | 38 trickle | `quirks_login::a_server_that_sends_one_octet_at_a_time_is_given_up` |
//! | 39 no connection | `quirks_login::a_host_that_does_not_answer_is_temporary_and_one_that_does_not_exist_is_not` |
//! | 40 response codes | `quirks_login::a_refusal_with_a_reason_gives_that_kind_at_any_command` |
//! | 41 wrong replies to TOP | `quirks_mail::wrong_replies_to_top_affect_list_only` |
//! | 42 dots, pieces, buffer edges | `quirks_mail::dots_and_line_ends_survive_every_split_at_the_buffers_edges`, `codec::dot` |
//! | 43 bare CR and LF, NUL, 8-bit, empty | `fetch::every_message_is_in_the_maildir_byte_for_byte` |
//! | 44 no last line end | `fetch_particulars::a_terminator_without_a_line_of_its_own_is_noticed_even_if_the_server_does_not_know_noop`, `quirks_mail::a_terminator_without_a_line_of_its_own_is_noticed_and_the_message_not_taken`, `pop3_session` |
//! | 45 From_ lines | `fetch::every_message_can_be_read_back_from_the_mbox_byte_for_byte` |
//! | 46 Content-Length, Status | the same, on `oddities` |
//! | 47 huge messages and headers | `fetch_hostile::memory_does_not_grow_with_a_line`, `quirks_mail::a_million_header_fields_cost_no_memory` |
//! | 48 deep MIME | `quirks_mail::deep_mime_is_not_parsed` |
//! | 49 hostile RFC 2047 | `list::no_mail_can_control_the_terminal_or_break_a_line_of_json` |
//! | 50 full disk | `fetch_lost::a_full_file_system_ends_in_74_and_loses_nothing`, the error sweep |
//! | 51 other errors, SIGXFSZ, EINTR, EMFILE | the error sweep, `fetch_lost::a_file_size_limit_loses_nothing`, `fetch_together::too_few_descriptors_fail_accounts_and_lose_nothing` |
//! | 52 a sync that fails | the error sweep: nothing is deleted after it |
//! | 53 a close that fails | the error sweep |
//! | 54, 55 directories, renames | the sweeps of power cuts and of the order of calls |
//! | 56 kills and signals | the kill sweep, `signals::a_signal_at_any_step_of_a_fetch_leaves_everything_consistent` |
//! | 57 mbox locks | `mbox_locks`, `fetch_together::an_mbox_under_another_programs_flock_is_waited_for`, `store::mbox` |
//! | 58 two runs at once | `fetch_together::eight_simultaneous_runs_with_wait_fetch_each_message_once`, `fetch_together::a_second_run_of_an_account_ends_at_once_with_75_without_wait` |
//! | 59 links, devices | `fetch::a_destination_of_the_wrong_kind_is_refused_before_anything_is_fetched`, `store::mbox`, `store::ledger` |
//! | 60, 61 Maildir names, renames that fail | `store::maildir`, `store::maildir::open` |
//! | 62 read-only state | `fetch_together::a_state_directory_that_is_read_only_fails_before_anything_is_fetched` |
//! | 63 damaged ledger | `fetch_together::a_ledger_that_cannot_be_read_stops_the_run_before_the_server_is_asked_for_anything`, `store::ledger` |
//! | 64 closed, full output | `fetch_together::a_closed_or_full_output_loses_no_message`, `output` |

use crate::pop3_session::play as play_in_memory;
use crate::support::link::Cut;
use crate::support::peer::Journal;
use crate::support::player::Player;
use crate::support::pop3d::SECRET;
use crate::support::process::Run;
use crate::support::script::{Script, Step};
use crate::support::world::{Checked, World};
use crate::world;
use std::fs;
use std::path::Path;

const DIR: &str = "tests/transcripts/pop3/quirks";

/// A server that plays one quirk, and a home for the client.
pub struct Quirk {
    pub world: World,
    pub player: Player,
    pub url: String,
}

impl Quirk {
    /// The quirk of that name.
    pub fn of(name: &str) -> Quirk {
        Quirk::with(name, &[])
    }

    /// The same, with words of the transcript (`@WHY@`) replaced.
    pub fn with(name: &str, replaced: &[(&str, &str)]) -> Quirk {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DIR).join(name).with_extension("txt");
        let mut text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for (word, by) in replaced {
            text = text.replace(word, by);
        }
        let script = Script::parse(&text);
        let player = Player::start(&script).guard(SECRET);
        let scheme = if script.implicit_tls { "pop3s" } else { "pop3" };
        let url = format!("{scheme}://ana@localhost:{}", player.port());
        Quirk { world: world(), player, url }
    }

    /// A run of a command against it.
    pub fn run(&self, command: &str) -> Run {
        self.world.at_url_within("1s", &self.url, command)
    }

    /// `fetch` into the Maildir `Mail`.
    pub fn fetch(&self, after: &str) -> Run {
        self.run("fetch").arg("--maildir").arg(self.world.path("Mail")).arg(after)
    }

    /// `fetch` by an account with these lines in its `pop3` table.
    pub fn fetch_by_account(&self, lines: &str) -> Run {
        self.world.config(&self.world.account("a", "pop3", self.player.port(), lines));
        let run = self.world.postie(["fetch", "--json", "--timeout", "2s", "--ca-file"]);
        run.arg(self.world.path("ca.pem")).arg("--maildir").arg(self.world.path("Mail"))
    }

    /// The subjects of the messages in the Maildir, sorted.
    pub fn subjects(&self) -> Vec<String> {
        let subject = |mail: Vec<u8>| {
            let text = String::from_utf8_lossy(&mail).into_owned();
            text.lines().next().unwrap_or_default().trim_start_matches("Subject: ").to_owned()
        };
        let mut subjects: Vec<String> = self.world.mail().into_iter().map(subject).collect();
        subjects.sort();
        subjects
    }

    /// The commands of each connection, as text.
    pub fn sent(&self) -> Vec<Vec<String>> {
        let text = |journal: &Journal| {
            let octets: Vec<u8> =
                journal.received.iter().flat_map(|(_, octets)| octets.iter().copied()).collect();
            String::from_utf8_lossy(&octets).lines().map(str::to_owned).collect()
        };
        self.player.journals().iter().map(text).collect()
    }
}

/// Every quirk's name, sorted.
fn names() -> Vec<String> {
    Script::names("pop3/quirks")
}

/// If nothing is fetched, most quirks do no harm. The exceptions: those that end the login, and those that
/// need another login or account, where the script closes.
fn code_of_looking(name: &str) -> i32 {
    match name {
        "stls-not-announced" | "stls-refused" => 69,
        "login-cut-off" | "refused-at-greeting" => 75,
        "apop-stamp-absent"
        | "apop-stamp-anywhere"
        | "apop-stamp-no-msg-id"
        | "gmail-recent-user"
        | "password-odd-bytes" => 75,
        "err-with-a-plus" | "refused-at-auth" | "refused-at-pass" | "refused-at-user" => 77,
        _ => 0,
    }
}

/// An outcome that a script can use: its code, a summary, and an error line if it failed.
#[track_caller]
fn assert_told(name: &str, outcome: &Checked) {
    let code = code_of_looking(name);
    assert_eq!(outcome.code, Some(code), "{name}: {outcome:?}");
    outcome.summary();
    assert_eq!(outcome.of_type("error").is_empty(), code == 0, "{name}: {outcome:?}");
}

#[test]
fn every_quirk_has_a_test_of_its_own() {
    let tests = [include_str!("quirks_login.rs"), include_str!("quirks_mail.rs")].concat();
    for name in names() {
        let stage = name.strip_prefix("refused-at-");
        let stem = name.strip_suffix("-pipelined").unwrap_or(&name);
        let named = tests.contains(&format!("\"{name}\"")) || tests.contains(&format!("\"{stem}\""));
        assert!(named || stage.is_some_and(|stage| tests.contains(&format!("\"{stage}\""))), "{name}");
    }
}

#[test]
fn list_and_dry_run_end_with_every_quirk_and_change_nothing() {
    for name in names() {
        for command in ["list", "fetch"] {
            let quirk = Quirk::of(&name);
            let run = quirk.run(command);
            let run = if command == "fetch" {
                run.args(["--dry-run", "--delete", "--maildir"]).arg(quirk.world.path("Mail"))
            } else {
                run
            };
            let outcome = run.go();
            assert_told(&name, &outcome);
            assert!(!quirk.world.path("Mail").exists(), "{name}");
            let changes = |line: &String| line.starts_with("RETR") || line.starts_with("DELE");
            assert!(!quirk.sent().concat().iter().any(changes), "{name}: {:?}", quirk.sent());
        }
    }
}

#[test]
fn a_quirk_is_the_same_quirk_however_its_octets_are_split() {
    for name in names() {
        let script = Script::load(&format!("pop3/quirks/{name}"));
        let endless = |step: &Step| matches!(step, Step::Repeat(None, _));
        assert!(!script.connections[0].iter().any(endless), "{name} cannot be played in memory");
        let (whole, haul, seen) = play_in_memory(&script, Cut::Nowhere);
        let kind = whole.err().map(|failure| failure.kind());
        let cuts = (1..seen.served.min(1500)).step_by(3).map(Cut::At).chain([1, 2, 3, 7].map(Cut::Every));
        for cut in cuts {
            let (result, split, _) = play_in_memory(&script, cut);
            assert_eq!(result.err().map(|failure| failure.kind()), kind, "{name}, {cut:?}");
            assert_eq!((&split.uids, &split.messages), (&haul.uids, &haul.messages), "{name}, {cut:?}");
        }
    }
}
