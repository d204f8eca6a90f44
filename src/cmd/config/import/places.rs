//! Where other mail programs have their settings.

use crate::account::Env;
use crate::account::import::{Tool, file};
use crate::words::Failure;
use std::path::{Path, PathBuf};

/// The files to read: the one that is named, else the first of the program's usual places that is there.
pub fn files(tool: Tool, named: Option<&Path>, env: &Env) -> Result<Vec<PathBuf>, Failure> {
    if let Some(path) = named {
        return Ok(vec![path.to_owned()]);
    }
    let usual = usual(tool, env)?;
    match usual.iter().find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Ok(vec![path.clone()]),
        None => {
            let names: Vec<String> = usual.iter().map(|path| path.display().to_string()).collect();
            let message = format!("{}: looking for its settings: there are none", tool.name());
            Err(file::none(message).hint(format!("name the file; looked for: {}", names.join(", "))))
        }
    }
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
    })
}
