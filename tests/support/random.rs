//! Pseudo-random numbers and texts: the same for the same seed.

/// A generator (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

/// What an attacker would send, and what merely breaks things.
const HOSTILE: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\0",
    "\r\n.\r\n",
    "\n.\n",
    "\n.\r\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\n",
    "\r\n.\r",
    "\n.\r",
    "\n\r.\n\r",
    "\r\r\n.\r\r\n",
    "\n\n.\n\n",
    ".",
    "..",
    ".\r\n",
    "\r\n..\r\n",
    "\r\n\r\n",
    "MAIL FROM:<evil@evil.example>\r\n",
    "RCPT TO:<evil@evil.example>\r\n",
    "DATA\r\n",
    "QUIT\r\n",
    "RSET\r\n",
    "BDAT 5 LAST\r\n",
    "X-Evil: 1\r\n",
    "\r\nX-Evil: 1\r\n",
    "\nBcc: evil@evil.example\n",
    "\u{2028}",
    "\u{85}",
    "\u{0b}",
    "\u{0c}",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{202e}",
    "\u{feff}",
    "=?utf-8?q?=0D=0AX-Evil:_1?=",
    "=?utf-8?b?",
    "?=",
    "=0D=0A.=0D=0A",
    "%0d%0a",
    ">",
    "<",
    ",",
    ";",
    ":",
    "\"",
    "\\",
    "(",
    ")",
    "[",
    "]",
    "@",
    "'",
    "`",
    "$(id)",
    "--",
    "-",
    "\t",
    " ",
    "  ",
];

/// Ordinary text.
const PLAIN: &[&str] = &[
    "a",
    "hello ",
    "Gr\u{fc}\u{df}e ",
    "\u{2603}",
    "\u{8a9e}\u{8a9e}\u{8a9e}",
    "\u{1f600}",
    "Report 42 ",
    "x=1; y=2 ",
    "bob@example.org ",
    "From here ",
    "the end. ",
    "don't \"quote\" ",
    "a,b;c ",
    "0123456789",
];

impl Random {
    /// The generator of that seed.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `most`.
    pub fn below(&mut self, most: usize) -> usize {
        (self.next() >> 33) as usize % most.max(1)
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of them.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Plain text with, once in so many pieces, something hostile in it.
    pub fn text(&mut self, pieces: usize, hostile_once_in: usize) -> String {
        let mut out = String::new();
        for _ in 0..self.below(pieces + 1) {
            let hostile = self.once_in(hostile_once_in);
            let piece = self.one(if hostile { HOSTILE } else { PLAIN });
            let times = if self.once_in(60) { self.below(400) } else { 1 };
            (0..times).for_each(|_| out.push_str(piece));
        }
        out
    }

    /// Octets: hostile text with octets of any value between.
    pub fn octets(&mut self, pieces: usize, hostile_once_in: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..self.below(pieces + 1) {
            out.extend_from_slice(self.text(3, hostile_once_in).as_bytes());
            if self.once_in(6) {
                (0..self.below(8)).for_each(|_| out.push(self.below(256) as u8));
            }
        }
        out
    }
}
