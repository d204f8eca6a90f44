//! Tables for people, with columns as wide as their cells.

use super::sanitize::safe;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The alignment of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    /// For numbers.
    Right,
    /// Left, and cut if the line gets too long.
    Rest,
}

/// The columns of a table, as wide as the rows measured. Hostile characters are escaped.
#[derive(Clone, Debug)]
pub struct Columns<'a> {
    heads: Vec<(&'a str, Align)>,
    widths: Vec<usize>,
}

impl<'a> Columns<'a> {
    /// Columns as wide as their heads.
    pub fn new(heads: &[(&'a str, Align)]) -> Self {
        Columns { heads: heads.to_vec(), widths: heads.iter().map(|(head, _)| head.width()).collect() }
    }

    /// Makes them wide enough for a row.
    pub fn measure(&mut self, row: &[String]) {
        for (width, cell) in self.widths.iter_mut().zip(row) {
            *width = (*width).max(safe(cell).width());
        }
    }

    /// Cuts the columns so that a line has at most `width` cells.
    pub fn fit(&mut self, width: usize) {
        fit(&self.heads, &mut self.widths, width);
    }

    pub fn head(&self) -> String {
        let heads: Vec<String> = self.heads.iter().map(|(head, _)| (*head).to_owned()).collect();
        line(&self.heads, &self.widths, &heads)
    }

    pub fn line(&self, row: &[String]) -> String {
        let cells: Vec<String> = row.iter().map(|cell| safe(cell).into_owned()).collect();
        line(&self.heads, &self.widths, &cells)
    }
}

/// The lines of a whole table, at most `width` cells wide.
pub fn layout(heads: &[(&str, Align)], rows: &[Vec<String>], width: usize) -> Vec<String> {
    let mut columns = Columns::new(heads);
    rows.iter().for_each(|row| columns.measure(row));
    columns.fit(width);
    std::iter::once(columns.head()).chain(rows.iter().map(|row| columns.line(row))).collect()
}

/// The smallest width a column is cut to.
const LEAST: usize = 8;

/// Cuts the columns that may be cut until a line fits, the widest first.
fn fit(heads: &[(&str, Align)], widths: &mut [usize], width: usize) {
    loop {
        let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        let widest = (0..widths.len())
            .filter(|column| heads[*column].1 == Align::Rest && widths[*column] > LEAST)
            .max_by_key(|column| widths[*column]);
        match widest {
            Some(column) if total > width => {
                widths[column] -= (total - width).min(widths[column] - LEAST).min(4)
            }
            _ => return,
        }
    }
}

fn line(heads: &[(&str, Align)], widths: &[usize], row: &[String]) -> String {
    let mut text = String::new();
    for (column, cell) in row.iter().enumerate().take(widths.len()) {
        let cell = cut(cell, widths[column]);
        let pad = " ".repeat(widths[column].saturating_sub(cell.width()));
        if column > 0 {
            text.push_str("  ");
        }
        match heads[column].1 {
            Align::Right => text.extend([pad.as_str(), cell.as_str()]),
            _ => text.extend([cell.as_str(), pad.as_str()]),
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn cut(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let mut used = 0;
    let kept: String = cell
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used < width
        })
        .collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_script_and_fit_the_terminal() {
        let heads = [("#", Align::Right), ("from", Align::Left), ("subject", Align::Rest)];
        let rows = [["1", "Jörg", "short"], ["12", "世界", "a very long subject that does not fit at all"]]
            .map(|row| row.map(str::to_owned).to_vec());
        let lines = layout(&heads, &rows, 30);
        assert_eq!(lines, [" #  from  subject", " 1  Jörg  short", "12  世界  a very long subject…"]);
        assert!(lines.iter().all(|line| line.width() <= 30));
    }

    #[test]
    fn cells_cannot_break_a_line() {
        let lines = layout(&[("x", Align::Left)], &[vec!["a\nb\x1b[2J".to_owned()]], 80);
        assert_eq!(lines.len(), 2);
        assert!(!lines[1].contains('\x1b'));
    }
}
