//! Completion in the shell: the scripts that clap makes from the definitions, and behind them what asks postie
//! for the names that only the configuration file knows, and for its keys.

use super::Cli;
use crate::account::{Config, Env, keys};
use clap::CommandFactory as _;
use clap_complete::aot;

/// A shell that there is a script for.
pub struct Shell {
    /// What `postie completions` calls it.
    pub name: &'static str,
    /// The name of the file that the shell's own directories want.
    pub file: &'static str,
    generator: aot::Shell,
    /// What goes behind clap's script.
    behind: &'static str,
    /// What in clap's script becomes what.
    replaced: &'static [(&'static str, &'static str)],
}

/// Every shell.
pub const SHELLS: &[Shell] = &[
    Shell { name: "bash", file: "postie.bash", generator: aot::Shell::Bash, behind: BASH, replaced: &[] },
    Shell { name: "zsh", file: "_postie", generator: aot::Shell::Zsh, behind: "", replaced: ZSH },
    Shell { name: "fish", file: "postie.fish", generator: aot::Shell::Fish, behind: FISH, replaced: &[] },
    Shell {
        name: "powershell",
        file: "_postie.ps1",
        generator: aot::Shell::PowerShell,
        behind: "",
        replaced: &[],
    },
    Shell { name: "elvish", file: "postie.elv", generator: aot::Shell::Elvish, behind: "", replaced: &[] },
];

/// What a script asks for: `postie completions accounts`.
pub const NAMES: &[&str] = &["accounts", "keys"];

/// clap's function answers all but the names. A word behind `config VERB` is an account, the next one a key.
const BASH: &str = r#"
_postie_names() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" word at names=""
    local -a plain=()
    for ((at = 1; at < COMP_CWORD; at++)); do
        word="${COMP_WORDS[at]}"
        case "${word}" in
            -A|-C|--account|--config|--color|--timeout|--max-time) ((at++)) ;;
            -*) ;;
            *) plain+=("${word}") ;;
        esac
    done
    case "${prev}" in
        -A|--account) names=accounts ;;
        *)
            case "${plain[*]}" in
                "config show"|"config set"|"config unset"|"config remove"|"config default") names=accounts ;;
                "config set "*|"config unset "*) [[ ${#plain[@]} -eq 3 ]] && names=keys ;;
            esac
            ;;
    esac
    if [[ -n "${names}" && "${cur}" != -* ]]; then
        COMPREPLY=( $(compgen -W "$(postie completions "${names}" 2>/dev/null)" -- "${cur}") )
    else
        _postie "$@"
    fi
}

complete -F _postie_names -o bashdefault -o default postie
"#;

/// In clap's script every value that it knows nothing of is a file (`_default`).
const ZSH: &[(&str, &str)] = &[
    ("[Which account]:NAME:_default", "[Which account]:NAME:_postie_accounts"),
    (":name -- The account:_default", ":name -- The account:_postie_accounts"),
    (
        ":key -- The key, with dots inside tables\\: pop3.host:_default",
        ":key -- The key, with dots inside tables\\: pop3.host:_postie_keys",
    ),
    (
        "\n_postie() {\n",
        "\n_postie_accounts() { compadd -- ${(f)\"$(postie completions accounts 2>/dev/null)\"} }\n\
         _postie_keys() { compadd -- ${(f)\"$(postie completions keys 2>/dev/null)\"} }\n\n_postie() {\n",
    ),
];

const FISH: &str = r#"
function __fish_postie_words_behind_config
    set -l words (commandline -opc) (commandline -ct)
    set -l at (contains -i -- config $words)
    and test (math (count $words) - $at) -eq $argv[1]
    and contains -- $words[(math $at + 1)] $argv[2..]
end
complete -c postie -n "__fish_postie_using_subcommand completions" -f -a "bash zsh fish powershell elvish"
complete -c postie -s A -l account -x -a "(postie completions accounts 2>/dev/null)"
complete -c postie -n "__fish_postie_words_behind_config 2 show set unset remove default" -f -a "(postie completions accounts 2>/dev/null)"
complete -c postie -n "__fish_postie_words_behind_config 3 set unset" -f -a "(postie completions keys 2>/dev/null)"
"#;

impl Shell {
    /// The script.
    pub fn script(&self) -> String {
        let mut made = Vec::new();
        aot::generate(self.generator, &mut Cli::command(), "postie", &mut made);
        let mut script = String::from_utf8_lossy(&made).into_owned();
        for (from, to) in self.replaced {
            debug_assert!(script.contains(from), "{}: {from}", self.name);
            script = script.replace(from, to);
        }
        script.push_str(self.behind);
        script
    }
}

/// The names that a script asks for, a line each. A configuration that cannot be read has no accounts: in the
/// middle of a line is no place to complain.
pub fn names(what: &str, config: Option<&std::path::Path>, env: &Env) -> Vec<String> {
    match what {
        "accounts" => {
            let config = Config::load(config, env);
            let accounts = config.map(|config| config.contents.accounts).unwrap_or_default();
            accounts.into_iter().map(|account| account.label).collect()
        }
        _ => keys::all_dotted(),
    }
}
