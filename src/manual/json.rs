//! postie-json(5): every field of the JSON lines.

use super::Page;
use super::writer::Writer;
use crate::output::fields::{EVERY, LINES};
use std::io;

pub fn page() -> io::Result<Page> {
    let mut page = Writer::page("postie-json", 5, "the JSON lines that postie writes");
    page.section("DESCRIPTION")
        .line(
            "With --json every command writes JSON Lines to standard output: one object a line, always valid UTF-8. \
             Errors are lines too, and the last line of a run is its summary, on failure as well. Text for people \
             goes to standard error.",
        )
        .paragraph(
            "Times are RFC 3339, sizes are octets. Fields that do not apply are absent or null. There may be new fields \
             and types in later versions, but while v is 1 none changes its meaning. Below, from.name is the field \
             name of the object from, or of the objects in the array from.",
        );
    page.section("EVERY LINE");
    for (field, text) in EVERY {
        page.item(field, text);
    }
    for line in LINES {
        page.section(&format!("LINES OF TYPE {}", line.kind)).line(line.text);
        for (field, text) in line.fields() {
            page.item(field, text);
        }
    }
    page.examples(&[
        (
            "The paths of the delivered messages:",
            "postie fetch --json | jq -r 'select(.type == \"message\" and .action == \"delivered\") | .path'",
        ),
        (
            "The errors of a run:",
            "postie fetch --json | jq -r 'select(.type == \"error\") | .message, .hint'",
        ),
        ("Whether to try again:", "postie send --json ... | jq -r 'select(.type == \"error\") | .retry'"),
    ]);
    page.see_also(&["postie(1)", "postie-fetch(1)", "postie-send(1)", "postie-config(5)"]);
    let mut roff = Vec::new();
    page.finish(&mut roff)?;
    Ok(Page { name: "postie-json".into(), section: 5, roff })
}
