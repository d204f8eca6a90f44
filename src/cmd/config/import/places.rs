//! Where other mail programs have their settings.

use crate::account::Env;
use crate::account::import::{ImportText, Tool, file, thunderbird};
use crate::words::Failure;
use std::path::{Path, PathBuf};

/// The files to read: the one that is named, else the first of the program's usual places that is there.
pub fn files(tool: Tool, named: Option<&Path>, env: &Env) -> Result<Vec<PathBuf>, Failure> {
    if let Some(path) = named {
        return Ok(vec![if tool == Tool::Thunderbird { of_profile(path)? } else { path.to_owned() }]);
    }
    let usual = usual(tool, env)?;
    let Some(path) = usual.iter().find(|path| path.symlink_metadata().is_ok()) else {
        let names: Vec<String> = usual.iter().map(|path| path.display().to_string()).collect();
        let message = format!("{}: looking for its settings: there are none", tool.name());
        return Err(file::none(message).hint(format!("name the file; looked for: {}", names.join(", "))));
    };
    match tool {
        Tool::Getmail => of_directory(path),
        Tool::Thunderbird => Ok(vec![of_profile(path)?]),
        _ => Ok(vec![path.clone()]),
    }
}

/// The files in getmail's directory: `getmailrc`, else all that are no lists and not hidden, as getmail takes them.
fn of_directory(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let main = dir.join("getmailrc");
    if main.symlink_metadata().is_ok() {
        return Ok(vec![main]);
    }
    let failed = |error: std::io::Error| file::missing(dir, &error.to_string());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)?.take(MOST_FILES) {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_other = name.starts_with("oldmail-") || name.starts_with('.') || name.ends_with(".json");
        if !is_other && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() { Err(file::missing(dir, "there is no getmailrc in it")) } else { Ok(found) }
}

/// The most files that are looked at in a directory.
const MOST_FILES: usize = 1000;

/// The preferences of a profile, which is named by its directory, by `profiles.ini`, or by the file itself.
fn of_profile(path: &Path) -> Result<PathBuf, Failure> {
    if path.file_name().is_some_and(|name| name == "profiles.ini") {
        let missing = || file::missing(path, "there is no such file");
        let octets = file::read(path, file::MAX_SETTINGS)?.ok_or_else(missing)?;
        let profile = thunderbird::profile(ImportText { path, octets: &octets })?;
        let profile = profile.ok_or_else(|| file::missing(path, "it names no profile"))?;
        return Ok(profile.join("prefs.js"));
    }
    Ok(if path.is_dir() { path.join("prefs.js") } else { path.to_owned() })
}

fn usual(tool: Tool, env: &Env) -> Result<Vec<PathBuf>, Failure> {
    let what = format!("the settings of {}", tool.name());
    let home = env.home(&what)?;
    let config = match env.get("XDG_CONFIG_HOME").map(PathBuf::from) {
        Some(base) if base.is_absolute() => base,
        _ => home.join(".config"),
    };
    Ok(match tool {
        Tool::Msmtp => vec![home.join(".msmtprc"), config.join("msmtp/config"), "/etc/msmtprc".into()],
        Tool::Mpop => vec![home.join(".mpoprc"), config.join("mpop/config")],
        Tool::Getmail => vec![config.join("getmail"), home.join(".getmail")],
        Tool::Fetchmail => {
            let named = env.get("FETCHMAILHOME").map(|dir| Path::new(dir).join("fetchmailrc"));
            named.into_iter().chain([home.join(".fetchmailrc")]).collect()
        }
        Tool::Netrc => {
            let named = env.get("NETRC").map(PathBuf::from);
            named.into_iter().chain([home.join(".netrc")]).collect()
        }
        Tool::Mutt => {
            let own =
                [".neomuttrc", ".neomutt/neomuttrc", ".muttrc", ".mutt/muttrc"].map(|path| home.join(path));
            own.into_iter().chain([config.join("neomutt/neomuttrc"), config.join("mutt/muttrc")]).collect()
        }
        Tool::Himalaya => vec![config.join("himalaya/config.toml"), home.join(".himalayarc")],
        Tool::Thunderbird => {
            let flatpak = ".var/app/org.mozilla.Thunderbird/.thunderbird";
            let roots = [".thunderbird", "snap/thunderbird/common/.thunderbird", flatpak];
            roots.iter().map(|root| home.join(root).join("profiles.ini")).collect()
        }
    })
}
