//! Opens the user's browser.

use crate::account::Env;
use crate::process::{Program, StdoutTo, Task};

/// Why no browser is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBrowser {
    /// The terminal is that of another machine, on which the browser is.
    Ssh,
    /// There is no display, and `$BROWSER` names none.
    NoDisplay,
    /// None of the programs could be started.
    NotStarted,
}

/// Opens an address in the browser that `$BROWSER` names (several with colons between them, `%s` for the address), or
/// else the desktop. `asked`: also at the end of an SSH connection.
pub fn open(url: &str, env: &Env, asked: bool) -> Result<(), NoBrowser> {
    if !asked && ["SSH_CONNECTION", "SSH_TTY"].iter().any(|name| env.get(name).is_some()) {
        return Err(NoBrowser::Ssh);
    }
    let named = env.get("BROWSER").unwrap_or_default().to_string_lossy();
    let has_display = cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env.get(name).is_some());
    let programs = programs(&named, has_display, url);
    if programs.is_empty() {
        return Err(NoBrowser::NoDisplay);
    }
    // What is started is not waited for: it may be the browser itself.
    let start = |program: &Program| {
        let output = StdoutTo::Nowhere;
        Task { program, input: None, output, variables: Vec::new(), own_group: true }.start().is_ok()
    };
    programs.iter().any(start).then_some(()).ok_or(NoBrowser::NotStarted)
}

/// The programs to try, in this order. No shell sees the address.
fn programs(named: &str, has_display: bool, url: &str) -> Vec<Program> {
    let desktop = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let named = named.split(':').filter(|command| !command.trim().is_empty()).map(|command| {
        let words = command.split_whitespace().map(|word| word.replace("%s", url));
        let has_place = command.contains("%s");
        words.chain((!has_place).then(|| url.to_owned())).collect::<Vec<_>>()
    });
    let desktop = has_display.then(|| vec![desktop.to_owned(), url.to_owned()]);
    named.chain(desktop).filter_map(|words| Program::argv(words).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_browsers_come_before_the_desktops() {
        let words = |named: &str, has_display| {
            let all = programs(named, has_display, "https://h/?a=b&c=$(x) '");
            all.into_iter()
                .map(|program| match program {
                    Program::Argv(words) => words.join("|"),
                    Program::Shell(line) => panic!("a shell: {line}"),
                })
                .collect::<Vec<_>>()
        };
        let url = "https://h/?a=b&c=$(x) '";
        assert_eq!(words("", false), [""; 0]);
        assert_eq!(words(" : ", false), [""; 0]);
        assert_eq!(words("", true), [format!("xdg-open|{url}")]);
        assert_eq!(
            words("firefox --new:w3m %s -x", false),
            [format!("firefox|--new|{url}"), format!("w3m|{url}|-x")]
        );
        assert_eq!(words("b", true), [format!("b|{url}"), format!("xdg-open|{url}")]);
    }

    #[test]
    fn at_the_end_of_an_ssh_connection_none_is_opened_by_itself() {
        let env: Env = [("SSH_CONNECTION", "1"), ("BROWSER", "/nonexistent/browser")].into_iter().collect();
        assert_eq!(open("https://h", &env, false), Err(NoBrowser::Ssh));
        assert_eq!(open("https://h", &env, true), Err(NoBrowser::NotStarted));
        assert_eq!(open("https://h", &Env::default(), true), Err(NoBrowser::NoDisplay));
    }
}
