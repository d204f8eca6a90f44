//! The exit codes: one table, which the manual and the tests use, too.
//!
//! The numbers 64 to 78 are those of BSD `sysexits(3)`; 1 and 79 are postie's own.

use std::fmt;

macro_rules! exits {
    ($($name:ident = $code:literal, $meaning:literal, $advice:literal;)*) => {
        /// How a run of postie ended, as a script sees it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Exit { $(#[doc = $meaning] $name = $code,)* }

        impl Exit {
            /// Every code, in ascending order.
            pub const ALL: &'static [Exit] = &[$(Exit::$name,)*];

            pub fn meaning(self) -> &'static str {
                match self { $(Exit::$name => $meaning,)* }
            }

            /// What a script should do.
            pub fn advice(self) -> &'static str {
                match self { $(Exit::$name => $advice,)* }
            }
        }
    };
}

exits! {
    Ok = 0, "all done (nothing new is also done)", "go on";
    Partial = 1, "part done: some messages, recipients or accounts failed; the JSON says which", "look";
    Usage = 64, "usage", "fix the call";
    Data = 65, "the message or an address is bad", "fix the input";
    NoInput = 66, "an input file is missing or unreadable", "fix the input";
    Recipient = 67, "recipient(s) refused for good", "fix the address";
    NoHost = 68, "host unknown", "fix the name";
    Unavailable = 69, "the server refused for good, or lacks something required", "give up";
    Software = 70, "a bug in postie", "report it";
    CantCreate = 73, "cannot create the output", "fix the path or its permissions";
    Storage = 74, "local storage failed (disk full, read-only), or the --exec command did not take it", "free space; look at the command";
    TempFail = 75, "temporary: try again later (4xx, 421, in use, timeout, connection refused or lost, DNS down, locked)", "retry";
    Protocol = 76, "the server broke the protocol", "report it";
    NoPerm = 77, "login refused, or certificate not trusted", "fix credentials";
    Config = 78, "the configuration is wrong, a file that postie relies on is in other hands, the --exec command cannot be run, or no secret could be had", "fix the configuration";
    Unknown = 79, "unknown: the connection died after the message was handed over; it may have been delivered", "decide; never blindly retry";
}

impl Exit {
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The code of a run in which several things happened: 79 if any outcome is unknown; else 1 if something
    /// failed and something succeeded; else the code that all failures share; else that of the first.
    pub fn combine(failures: impl IntoIterator<Item = Exit>, any_success: bool) -> Exit {
        let mut first = None;
        let mut unknown = false;
        for exit in failures.into_iter().filter(|exit| *exit != Exit::Ok) {
            unknown |= exit == Exit::Unknown;
            first.get_or_insert(exit);
        }
        match first {
            None => Exit::Ok,
            Some(_) if unknown => Exit::Unknown,
            Some(_) if any_success => Exit::Partial,
            Some(exit) => exit,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_failures_give_the_code_the_contract_names() {
        use Exit::*;
        assert_eq!(Exit::combine([], true), Ok);
        assert_eq!(Exit::combine([], false), Ok);
        assert_eq!(Exit::combine([TempFail, TempFail], false), TempFail);
        assert_eq!(Exit::combine([NoPerm, TempFail], false), NoPerm);
        assert_eq!(Exit::combine([NoPerm, TempFail], true), Partial);
        assert_eq!(Exit::combine([NoPerm, Unknown], true), Unknown);
        assert_eq!(Exit::combine([Ok, Storage], false), Storage);
    }

    #[test]
    fn codes_ascend_and_are_unique() {
        assert!(Exit::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
    }
}
