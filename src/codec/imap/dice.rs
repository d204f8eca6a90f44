//! Chance that is the same in every run, for tests.

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Xorshift.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Any character, half of them printable ASCII.
    pub fn character(&mut self) -> char {
        let last = self.pick(&[0x7f, 0x7f, 0x7ff, 0xffff, 0x10_ffff]);
        char::from_u32(self.below(last) as u32).unwrap_or('&')
    }
}
