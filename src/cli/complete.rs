//! Shell completion: the scripts that clap makes, with additions that ask postie for the names of accounts and the
//! keys of the configuration.

use super::Cli;
use crate::account::{Config, Env, keys};
use clap::CommandFactory as _;
use clap_complete::aot;

pub struct Shell {
    /// Its name in `postie completions`.
    pub name: &'static str,
    /// The file name that the shell looks for.
    pub file: &'static str,
    generator: aot::Shell,
    /// Added at the end of clap's script.
    addition: &'static str,
    /// Replacements in clap's script.
    replaced: &'static [(&'static str, &'static str)],
}

pub const SHELLS: &[Shell] = &[
    Shell { name: "bash", file: "postie.bash", generator: aot::Shell::Bash, addition: BASH, replaced: &[] },
    Shell { name: "zsh", file: "_postie", generator: aot::Shell::Zsh, addition: "", replaced: ZSH },
    Shell { name: "fish", file: "postie.fish", generator: aot::Shell::Fish, addition: FISH, replaced: &[] },
    Shell {
        name: "powershell",
        file: "_postie.ps1",
        generator: aot::Shell::PowerShell,
        addition: "",
        replaced: &[],
    },
    Shell { name: "elvish", file: "postie.elv", generator: aot::Shell::Elvish, addition: "", replaced: &[] },
];

/// The lists that a script can ask for, as in `postie completions accounts`.
pub const NAMES: &[&str] = &["accounts", "keys"];

/// clap's function completes everything but the names. After `config VERB` comes an account, then a key.
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

/// In clap's script every value of unknown type is a file (`_default`).
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
function __fish_postie_words_after_config
    set -l words (commandline -opc) (commandline -ct)
    set -l at (contains -i -- config $words)
    and test (math (count $words) - $at) -eq $argv[1]
    and contains -- $words[(math $at + 1)] $argv[2..]
end
complete -c postie -n "__fish_postie_using_subcommand completions" -f -a "bash zsh fish powershell elvish"
complete -c postie -s A -l account -x -a "(postie completions accounts 2>/dev/null)"
complete -c postie -n "__fish_postie_words_after_config 2 show set unset remove default" -f -a "(postie completions accounts 2>/dev/null)"
complete -c postie -n "__fish_postie_words_after_config 3 set unset" -f -a "(postie completions keys 2>/dev/null)"
"#;

impl Shell {
    pub fn script(&self) -> String {
        let mut made = Vec::new();
        aot::generate(self.generator, &mut Cli::command(), "postie", &mut made);
        let mut script = String::from_utf8_lossy(&made).into_owned();
        for (from, to) in self.replaced {
            debug_assert!(script.contains(from), "{}: {from}", self.name);
            script = script.replace(from, to);
        }
        script.push_str(self.addition);
        script
    }
}

/// The names in a list. If the configuration cannot be read there are no accounts: an error would disturb the line
/// that is being typed.
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
