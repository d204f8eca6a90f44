//! Which folders of an account mail is fetched from.

/// Which folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderChoice {
    /// All that hold mail of the user's own, each message once: not what the server calls `\All`, `\Junk` or
    /// `\Trash`, nor what is another user's or everybody's.
    All,
    /// Those with these names, in which `*` stands for anything and `%` for anything within one level
    /// (`RFC 3501 §6.3.8`).
    Named(Vec<String>),
}

impl FolderChoice {
    /// The value of `fetch.folders`: the word `all` alone, else names.
    pub fn read(texts: &[&str]) -> Result<Self, String> {
        match texts {
            [] => Err("no folder is named".into()),
            [all] if all.eq_ignore_ascii_case("all") => Ok(FolderChoice::All),
            names => FolderChoice::named(names.iter().map(|name| (*name).to_owned()).collect()),
        }
    }

    /// Folders by name.
    pub fn named(names: Vec<String>) -> Result<Self, String> {
        for name in &names {
            super::values::folder(name).map_err(|what| format!("{name:?}: {what}"))?;
        }
        Ok(FolderChoice::Named(names))
    }

    /// The name, where it is that of one folder and no pattern.
    pub fn one(&self) -> Option<&str> {
        match self {
            FolderChoice::Named(names) => match names.as_slice() {
                [one] if !is_pattern(one) => Some(one),
                _ => None,
            },
            FolderChoice::All => None,
        }
    }

    /// The names, for people and for JSON.
    pub fn shown(&self) -> Vec<String> {
        match self {
            FolderChoice::All => vec!["all".into()],
            FolderChoice::Named(names) => names.clone(),
        }
    }
}

/// Whether a name may stand for several.
pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '%'])
}
