//! `postie list`: a table for people, lines for scripts.

use super::message::{MessageLine, uid_text};
use super::{Context, folders};
use crate::account::{Need, Protocol};
use crate::cli::ListArgs;
use crate::cmd::service;
use crate::mail::summary::{Person, Summary};
use crate::output::table::{Align, Columns};
use crate::output::{About, Output};
use crate::store::{AtStage, Ledger};
use crate::words::{Exit, Failure, Kind, Stage};
use crate::work::access::SessionMode;
use crate::work::list::{Choice, ListProgress, Listed, Overview, list};
use crate::work::service::Service;
use std::cell::RefCell;
use std::io::IsTerminal as _;

/// The width of the table if standard output is not a terminal.
const PIPE_WIDTH: usize = 160;

pub fn run(args: &ListArgs, context: &mut Context) -> anyhow::Result<()> {
    context.out.count("total", 0);
    context.out.count("listed", 0);
    let mut account = context.select(Need::Incoming, None)?;
    args.from.apply(&mut account)?;
    args.folder.as_deref().map_or(Ok(()), |folder| account.fetch_from(folder))?;
    if args.folders {
        if let Err(failure) = folders::show(&account, context) {
            context.out.fail(&About::account(&account.label), &failure);
        }
        return Ok(());
    }
    let label = account.label.clone();
    let Some(service) = service::or_told(service::incoming(&account, context), &account, context) else {
        return Ok(());
    };
    match show(args, context, &service) {
        Ok(overview) => {
            context.out.count("total", overview.total);
            context.out.count("listed", overview.shown);
            context.out.settle(Exit::Ok);
            if let Some(failure) = &overview.incomplete {
                context.out.fail(&About::account(&label), failure);
            }
        }
        // The reader of standard output has closed it: not an error.
        Err(_) if context.out.reader_gone() => {}
        Err(failure) => {
            let failure = match &args.folder {
                Some(folder) => failure.more(&format!(" (folder {folder})")),
                None => failure,
            };
            let about = About { folder: args.folder.as_deref(), ..About::account(&label) };
            context.out.fail(&about, &failure);
        }
    }
    Ok(())
}

fn show(args: &ListArgs, context: &mut Context, service: &Service) -> Result<Overview, Failure> {
    let ledgers = context.env.state_dir()?.join("ledger");
    let others = context.other_keys(&service.key());
    let mut ledger = Ledger::peek(&ledgers, &service.key()).at(Stage::Ledger)?;
    let newest_first = service.server.protocol == Protocol::Imap;
    let choice = Choice { new: args.new, limit: args.limit, headers: !args.no_headers, newest_first };
    let mut table = ListTable::default();
    let out = &mut context.out;
    // Without headers a million rows may be listed: the widths are found first, so that no rows have to be kept.
    let direct = !choice.headers && !out.is_json();
    let columns = RefCell::new(Columns::new(&heads(false)));
    let mut measure = |listed: &Listed| {
        if direct {
            columns.borrow_mut().measure(&chosen(row(listed), false));
        }
    };
    let mut begun = false;
    let mut show = |listed: Listed| {
        if out.is_json() {
            out.line("message", &MessageLine::listed(&service.label, &listed));
        } else if direct {
            let mut columns = columns.borrow_mut();
            if !std::mem::replace(&mut begun, true) {
                columns.fit(width());
                out.text(&columns.head());
            }
            out.text(&columns.line(&chosen(row(&listed), false)));
        } else {
            table.push(out, &listed);
        }
        match out.stdout_lost() {
            true => {
                Err(Failure::new(Kind::Storage, Stage::StandardOutput, "standard output: writing: failed"))
            }
            false => Ok(()),
        }
    };
    let mut progress = ListProgress::default();
    let overview = service.look(&context.limits, SessionMode::remembered(&ledger), |transaction| {
        list(transaction, &mut ledger, &others, choice, &mut progress, &mut measure, &mut show)
    })?;
    if overview.without_top {
        out.tell(&format!("{}: the server has no TOP: sizes alone, no headers", service.label));
    } else if let Some((count, row, why)) = progress.hidden {
        let uid = uid_text(&row).unwrap_or_default();
        let others = if count > 1 { format!(", nor {} other(s)", count - 1) } else { String::new() };
        let number = row.number;
        out.tell(&format!(
            "{}: the header of message {number} ({uid}) could not be had{others}: {why}",
            service.label
        ));
    }
    table.begin(&mut context.out, choice.headers && !overview.without_top);
    Ok(overview)
}

/// The number of rows that determine the widths of the columns; later rows are printed as they arrive.
const MEASURED: usize = 1000;

/// The table with headers. Keeps the first rows until the widths of the columns are known.
#[derive(Default)]
struct ListTable {
    rows: Vec<Vec<String>>,
    has_header: bool,
    /// The columns once the table has begun, and whether it has headers.
    begun: Option<(Columns<'static>, bool)>,
}

impl ListTable {
    fn push(&mut self, out: &mut Output, listed: &Listed) {
        self.has_header |= listed.summary.is_some();
        if let Some((columns, headers)) = &self.begun {
            return out.text(&columns.line(&chosen(row(listed), *headers)));
        }
        self.rows.push(row(listed));
        if self.rows.len() == MEASURED {
            self.begin(out, self.has_header);
        }
    }

    /// Prints the rows kept so far, if any.
    fn begin(&mut self, out: &mut Output, headers: bool) {
        if self.rows.is_empty() {
            return;
        }
        let rows: Vec<_> =
            std::mem::take(&mut self.rows).into_iter().map(|row| chosen(row, headers)).collect();
        let mut columns = Columns::new(&heads(headers));
        rows.iter().for_each(|row| columns.measure(row));
        columns.fit(width());
        out.text(&columns.head());
        rows.iter().for_each(|row| out.text(&columns.line(row)));
        self.begun = Some((columns, headers));
    }
}

fn heads(headers: bool) -> Vec<(&'static str, Align)> {
    let mut heads = vec![("#", Align::Right), ("new", Align::Left)];
    if headers {
        heads.extend([
            ("date", Align::Left),
            ("from", Align::Rest),
            ("subject", Align::Rest),
            ("size", Align::Right),
        ]);
    } else {
        heads.extend([("size", Align::Right), ("uid", Align::Rest)]);
    }
    heads
}

/// The cells of a row for the columns that are shown, of: number, new, date, from, subject, size, uid.
fn chosen(mut row: Vec<String>, headers: bool) -> Vec<String> {
    if headers {
        row.truncate(6);
    } else {
        row.drain(2..5);
    }
    row
}

fn width() -> usize {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return PIPE_WIDTH;
    }
    rustix::termios::tcgetwinsize(&stdout).map_or(80, |size| usize::from(size.ws_col).max(40))
}

fn row(listed: &Listed) -> Vec<String> {
    let summary = listed.summary.as_ref();
    let text = |of: fn(&Summary) -> Option<&String>| summary.and_then(of).cloned().unwrap_or_default();
    vec![
        listed.row.number.to_string(),
        if listed.new { "*".into() } else { String::new() },
        summary.and_then(|summary| summary.date.as_deref()).map(date).unwrap_or_default(),
        summary.and_then(|summary| summary.from.first()).map(person).unwrap_or_default(),
        text(|summary| summary.subject.as_ref()),
        listed.row.size.map(|size| size.to_string()).unwrap_or_default(),
        uid_text(&listed.row).unwrap_or_default(),
    ]
}

/// A date of RFC 3339 without its seconds, with its time zone.
fn date(date: &str) -> String {
    let zone = match date.get(19..).unwrap_or_default() {
        "Z" => "+0000".to_owned(),
        // The sender gave no time zone.
        "-00:00" => String::new(),
        zone => zone.replace(':', ""),
    };
    let shown = format!("{} {zone}", date.get(..16).unwrap_or_default().replace('T', " "));
    shown.trim_end().to_owned()
}

fn person(person: &Person) -> String {
    person.name.clone().filter(|name| !name.is_empty()).or_else(|| person.address.clone()).unwrap_or_default()
}
