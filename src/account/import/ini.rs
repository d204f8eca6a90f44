//! INI files as Python's `RawConfigParser` reads them, and Thunderbird's `profiles.ini`, which is simpler.
//!
//! A line `[name]` begins a section; `key = value` or `key: value`; a line that is indented more than its key goes on
//! with the value; `#` and `;` begin a remark at the beginning of a line only; names of keys know no case; nothing is
//! filled in (`%(x)s`), and quotes stand for themselves.

use super::ImportText;
use super::lines::numbered;
use crate::words::Failure;

/// A section of the file.
#[derive(Clone, Debug, Default)]
pub struct Section {
    pub name: String,
    pub line: usize,
    options: Vec<IniOption>,
}

#[derive(Clone, Debug)]
struct IniOption {
    key: String,
    value: String,
    line: usize,
    indent: usize,
}

impl Section {
    /// The line and the value of a key.
    pub fn get(&self, key: &str) -> Option<(usize, &str)> {
        let found = self.options.iter().find(|option| option.key == key);
        found.map(|option| (option.line, option.value.as_str()))
    }

    /// The lines, keys and values.
    pub fn all(&self) -> impl Iterator<Item = (usize, &str, &str)> {
        self.options.iter().map(|option| (option.line, option.key.as_str(), option.value.as_str()))
    }
}

/// The sections of a file, in its order. Fails with `config` where Python would not read it.
pub fn sections(text: ImportText<'_>) -> Result<Vec<Section>, Failure> {
    let mut sections: Vec<Section> = Vec::new();
    // Whether the line before belongs to a value that may go on.
    let mut goes_on = false;
    for (line, octets) in numbered(text.octets) {
        let broken = |what: &str| text.broken(Some(line), what);
        let whole = std::str::from_utf8(octets).map_err(|_| broken("not valid UTF-8"))?;
        let value = whole.trim();
        if value.starts_with(['#', ';']) {
            continue;
        }
        if value.is_empty() {
            continue;
        }
        let indent = whole.len() - whole.trim_start().len();
        let last = sections.last_mut().and_then(|section| section.options.last_mut());
        if let Some(option) = last.filter(|option| goes_on && indent > option.indent) {
            option.value.push('\n');
            option.value.push_str(value);
            continue;
        }
        if let Some(name) =
            value.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name)
        {
            goes_on = false;
            if sections.iter().any(|section| section.name == name) {
                return Err(broken("a section of that name is there already"));
            }
            sections.push(Section { name: name.to_owned(), line, options: Vec::new() });
            continue;
        }
        let section = sections.last_mut().ok_or_else(|| broken("a setting before the first [section]"))?;
        let split = value.find(['=', ':']).ok_or_else(|| broken("neither a [section] nor key = value"))?;
        let key = value[..split].trim().to_lowercase();
        if section.get(&key).is_some() {
            return Err(broken("this key stands in the section already"));
        }
        let value = value[split + 1..].trim().to_owned();
        section.options.push(IniOption { key, value, line, indent });
        goes_on = true;
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read(text: &str) -> Result<Vec<Section>, Failure> {
        sections(ImportText { path: Path::new("/h/rc"), octets: text.as_bytes() })
    }

    #[test]
    fn sections_are_read_as_python_reads_them() {
        let text = "# x\n[one]\nKey = a = b ; c\nother: d\n  # no\n  e\n\n\tf\nempty =\n[two]\r\npass = %(x)s \"q\"\r\n";
        let read = read(text).unwrap();
        assert_eq!(read[0].get("key"), Some((3, "a = b ; c")));
        assert_eq!(read[0].get("other"), Some((4, "d\ne\nf")));
        assert_eq!(read[0].get("empty"), Some((9, "")));
        assert_eq!(read[1].get("pass"), Some((11, "%(x)s \"q\"")));
    }

    #[test]
    fn what_python_refuses_is_refused_with_its_line() {
        for (text, line) in [("a = b\n", 1), ("[x]\nnothing\n", 2), ("[x]\na=1\nA=2\n", 3), ("[x]\n[x]\n", 2)]
        {
            let failure = read(text).unwrap_err();
            assert!(failure.message.starts_with(&format!("/h/rc:{line}: ")), "{failure}");
        }
    }
}
