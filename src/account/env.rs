//! The process environment as a value, and the paths that follow from it (XDG Base Directory Specification 0.8). It
//! may have secrets in it (`$POSTIE_PASSWORD`), so nothing here prints its values.

use crate::net::NameOverrides;
use crate::net::http::HttpProxy;
use crate::words::Failure;
use nix::unistd::User;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

// As curl has them: the name in small letters comes first.
pub(super) const HTTPS_PROXY: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
pub(super) const ALL_PROXY: [&str; 2] = ["all_proxy", "ALL_PROXY"];
pub(super) const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The environment of a run.
#[derive(Clone, Default)]
pub struct Env {
    variables: BTreeMap<OsString, OsString>,
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Env({} variables)", self.variables.len())
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Env { variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

impl Env {
    /// The environment of this process. If there is no HOME (cron), or one that is not the user's (`sudo` mails its
    /// alerts with HOME=/), it is taken from the user database.
    pub fn of_process() -> Self {
        let mut env: Env = std::env::vars_os().collect();
        let user = rustix::process::geteuid();
        let database = || User::from_uid(user.as_raw().into()).ok().flatten().map(|user| user.dir);
        if let Some(home) = other_home(env.get("HOME"), user.as_raw(), database) {
            env.variables.insert("HOME".into(), home.into());
        }
        env
    }

    /// The value of a variable; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The value of a variable as text; if it is not UTF-8, that is an error.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some(text) => Ok(Some(text)),
                None => Err(Failure::config(format!("${name}: reading: not valid UTF-8"))),
            },
        }
    }

    /// The names that tests have stand for servers of their own.
    pub fn names(&self) -> Result<NameOverrides, Failure> {
        NameOverrides::read(self.text("POSTIE_DNS")?, self.text("POSTIE_RESOLVE")?)
            .map_err(|what| Failure::config(format!("${what}")))
    }

    /// The first of these variables that is set, and its value.
    pub fn first_of(&self, names: [&'static str; 2]) -> Option<(&'static str, &OsStr)> {
        names.into_iter().find_map(|name| Some((name, self.get(name)?)))
    }

    /// The proxy for HTTP to other machines: `$https_proxy`, else `$all_proxy`, each also in capitals, but not to the
    /// hosts of `$no_proxy`. A value that names none is kept: whoever needs the proxy is told.
    pub fn http_proxy(&self) -> Option<HttpProxy> {
        let (variable, value) = self.first_of(HTTPS_PROXY).or_else(|| self.first_of(ALL_PROXY))?;
        let except = self.first_of(NO_PROXY).map(|(_, list)| list.to_string_lossy());
        Some(HttpProxy::of(variable, value.to_str().unwrap_or_default(), &except.unwrap_or_default()))
    }

    /// Whether `$ALL_PROXY` names a SOCKS proxy: then nothing may go round it, look-ups neither.
    pub fn has_socks_proxy(&self) -> bool {
        let named = self.first_of(ALL_PROXY).and_then(|(_, value)| value.to_str());
        named.is_some_and(|url| url.to_ascii_lowercase().starts_with("socks"))
    }

    /// The user's home directory; `what` is what is looked for in it.
    pub fn home(&self, what: &str) -> Result<PathBuf, Failure> {
        match self.get("HOME").map(PathBuf::from) {
            Some(home) if home.is_absolute() => Ok(home),
            Some(_) => Err(Failure::config(format!("$HOME: looking for {what}: not an absolute path"))),
            None => Err(Failure::config(format!("$HOME: looking for {what}: the variable is not set"))
                .hint("set HOME, or name the file with --config or POSTIE_CONFIG")),
        }
    }

    /// The default path of the configuration file.
    pub fn config_file(&self) -> Result<PathBuf, Failure> {
        Ok(self.base("XDG_CONFIG_HOME", ".config", "the configuration")?.join("config.toml"))
    }

    /// The directory of the ledgers.
    pub fn state_dir(&self) -> Result<PathBuf, Failure> {
        self.base("XDG_STATE_HOME", ".local/state", "the state directory")
    }

    fn base(&self, variable: &str, below_home: &str, what: &str) -> Result<PathBuf, Failure> {
        let base = match self.get(variable).map(PathBuf::from) {
            // "All paths set in these environment variables must be absolute. If an implementation
            // encounters a relative path […] it should consider the path invalid and ignore it."
            Some(base) if base.is_absolute() => base,
            _ => self.home(what)?.join(below_home),
        };
        Ok(base.join("postie"))
    }

    /// A path written in a file of the directory `beside`: `~/` is the home directory, and relative paths start from
    /// `beside` (a cron job's working directory means nothing).
    pub fn expand(&self, text: &str, beside: &Path) -> Result<PathBuf, String> {
        if text.is_empty() {
            return Err("the path is empty".into());
        }
        if text.contains('\0') {
            return Err("the path has a NUL in it".into());
        }
        if let Some(rest) = text.strip_prefix('~') {
            if !(rest.is_empty() || rest.starts_with('/')) {
                return Err("only ~/ is understood, not another user's home".into());
            }
            let home = self.home("~").map_err(|failure| failure.message)?;
            return Ok(home.join(rest.trim_start_matches('/')));
        }
        Ok(beside.join(text))
    }
}

/// The home directory in the user database, if HOME is not the user's: if it is not set, not an absolute path, the
/// root directory, or a directory that belongs to another user than this one and root. One that is not there yet is his.
fn other_home(
    said: Option<&OsStr>,
    user: u32,
    database: impl FnOnce() -> Option<PathBuf>,
) -> Option<PathBuf> {
    let is_own = |home: &Path| {
        let owner = std::fs::metadata(home).map_or(user, |about| about.uid());
        home.is_absolute() && home != Path::new("/") && (owner == user || owner == 0)
    };
    match said {
        Some(home) if is_own(Path::new(home)) => None,
        _ => database().filter(|home| home.is_absolute()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Kind;

    #[test]
    fn the_configuration_is_where_xdg_says() {
        let env = Env::from_iter([("HOME", "/home/ana")]);
        assert_eq!(env.config_file().unwrap(), Path::new("/home/ana/.config/postie/config.toml"));
        assert_eq!(env.state_dir().unwrap(), Path::new("/home/ana/.local/state/postie"));
        let env = Env::from_iter([("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "/s")]);
        assert_eq!(env.config_file().unwrap(), Path::new("/c/postie/config.toml"));
        assert_eq!(env.state_dir().unwrap(), Path::new("/s/postie"));
    }

    #[test]
    fn relative_and_empty_xdg_variables_are_ignored() {
        for value in ["", "conf", "./conf"] {
            let env = Env::from_iter([("HOME", "/h"), ("XDG_CONFIG_HOME", value)]);
            assert_eq!(env.config_file().unwrap(), Path::new("/h/.config/postie/config.toml"));
        }
    }

    #[test]
    fn a_home_is_missed_only_where_it_is_needed() {
        let none = Env::default();
        assert_eq!(none.config_file().unwrap_err().kind(), Kind::Config);
        assert_eq!(Env::from_iter([("HOME", "here")]).state_dir().unwrap_err().kind(), Kind::Config);
        assert!(Env::from_iter([("XDG_CONFIG_HOME", "/c")]).config_file().is_ok());
        assert_eq!(none.expand("mail", Path::new("/c")), Ok("/c/mail".into()));
        assert!(none.expand("~/mail", Path::new("/c")).is_err());
    }

    #[test]
    fn a_tilde_is_the_home_and_relative_paths_lie_beside_the_file() {
        let env = Env::from_iter([("HOME", "/home/ana")]);
        let beside = Path::new("/etc/postie");
        assert_eq!(env.expand("~/Mail/x", beside), Ok("/home/ana/Mail/x".into()));
        assert_eq!(env.expand("~", beside), Ok("/home/ana".into()));
        assert_eq!(env.expand("~//x", beside), Ok("/home/ana/x".into()));
        assert_eq!(env.expand("/abs", beside), Ok("/abs".into()));
        assert_eq!(env.expand("rel/x", beside), Ok("/etc/postie/rel/x".into()));
        for bad in ["", "~bob/x", "a\0b"] {
            assert!(env.expand(bad, beside).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_home_that_is_not_the_users_is_that_of_the_user_database() {
        let dir = tempfile::tempdir().unwrap();
        let own = std::fs::metadata(dir.path()).unwrap().uid();
        let database = || Some(PathBuf::from("/home/database"));
        for (said, user, takes_own) in [
            (None, own, false),
            (Some(OsStr::new("/")), own, false),
            (Some(OsStr::new("here")), own, false),
            (Some(dir.path().as_os_str()), own, true),
            (Some(dir.path().as_os_str()), own + 1, own == 0),
            (Some(OsStr::new("/usr")), own + 1, true),
            (Some(OsStr::new("/nonexistent/home")), own, true),
        ] {
            let found = other_home(said, user, database);
            assert_eq!(found.is_none(), takes_own, "{said:?} of {user}: {found:?}");
        }
        assert_eq!(other_home(None, own, || None), None, "a user whom no database knows");
        assert_eq!(other_home(Some(OsStr::new("/")), own, || Some("relative".into())), None);
    }

    #[test]
    fn what_is_in_the_environment_never_shows() {
        let env = Env::from_iter([("POSTIE_PASSWORD", "hunter2")]);
        assert!(!format!("{env:?}").contains("hunter2"));
    }
}
