//! Who owns a file or directory, and who can write to it: what postie believes must be in the right hands.
//!
//! Another user who can write such a file can make postie delete mail that was never fetched, run commands,
//! and send secrets to a server of his own. So the file must belong to the user or root and be writable to
//! nobody else, and a file with a secret must not be readable to others either. The open descriptor is always
//! what is checked: a name may lead to something else between the check and the opening.

use rustix::fs::Stat;
use rustix::process::geteuid;
use std::path::Path;

/// A file or directory that belongs to the wrong user, or that others can write to or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherHands {
    /// What is wrong.
    pub what: String,
    /// A command that corrects it, if the user wants that.
    pub remedy: String,
}

/// Refuses a file that belongs to anybody but the user and root, or that others may write to. If the file has
/// an ACL, its group bits are the mask: the most that any entry of the ACL allows.
pub fn check_trusted(stat: &Stat, path: &Path) -> Result<(), OtherHands> {
    check_owner(stat, path)?;
    let mode = stat.st_mode & 0o7777;
    if mode & 0o022 != 0 {
        return Err(OtherHands {
            what: format!("others may write to it (mode {mode:04o})"),
            remedy: format!("chmod go-w {}", quoted(path)),
        });
    }
    Ok(())
}

/// Refuses a file that belongs to anybody but the user and root.
pub fn check_owner(stat: &Stat, path: &Path) -> Result<(), OtherHands> {
    let user = geteuid().as_raw();
    if stat.st_uid == user || stat.st_uid == 0 {
        return Ok(());
    }
    Err(OtherHands {
        what: format!("it belongs to another user (uid {})", stat.st_uid),
        remedy: format!("if it is yours all the same: chown {user} {}", quoted(path)),
    })
}

/// Refuses a file with a secret that others may read.
pub fn check_secret(stat: &Stat, path: &Path) -> Result<(), OtherHands> {
    let remedy = format!("chmod 600 {}", quoted(path));
    let mode = stat.st_mode & 0o7777;
    check_trusted(stat, path).map_err(|hands| match mode & 0o077 {
        0 => hands,
        _ if stat.st_uid != geteuid().as_raw() && stat.st_uid != 0 => hands,
        _ => OtherHands { remedy: remedy.clone(), ..hands },
    })?;
    if mode & 0o077 != 0 {
        return Err(OtherHands { what: format!("others may read it (mode {mode:04o})"), remedy });
    }
    Ok(())
}

/// A path, quoted for a shell.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@,".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn stat(mode: u32, owner: Option<u32>) -> Stat {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        let mut stat = rustix::fs::fstat(File::open(file.path()).unwrap()).unwrap();
        stat.st_uid = owner.unwrap_or(stat.st_uid);
        stat
    }

    #[test]
    fn the_user_and_root_are_trusted_and_nobody_else() {
        let path = Path::new("/x");
        let user = geteuid().as_raw();
        for (owner, trusted) in [(user, true), (0, true), (user + 1, false), (65_534, false)] {
            for check in [check_trusted, check_secret] {
                assert_eq!(check(&stat(0o600, Some(owner)), path).is_ok(), trusted, "{owner}");
            }
        }
    }

    #[test]
    fn files_that_others_may_write_and_secrets_that_others_may_read_are_refused() {
        let path = Path::new("/tmp/a b");
        for mode in [0o600, 0o400, 0o700, 0o644, 0o755, 0o440, 0o620, 0o602, 0o666, 0o777, 0o1777, 0o2775] {
            let stat = stat(if mode & 0o400 == 0 { mode | 0o400 } else { mode }, None);
            assert_eq!(check_trusted(&stat, path).is_ok(), mode & 0o022 == 0, "{mode:o}");
            assert_eq!(check_secret(&stat, path).is_ok(), mode & 0o077 == 0, "{mode:o}");
        }
        assert_eq!(check_trusted(&stat(0o620, None), path).unwrap_err().remedy, "chmod go-w '/tmp/a b'");
        assert_eq!(check_secret(&stat(0o622, None), path).unwrap_err().remedy, "chmod 600 '/tmp/a b'");
    }
}
