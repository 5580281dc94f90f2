//! Limits and token of a server.

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What a request must bring; absent only where none but this machine is listened to.
    pub token: Option<Token>,
    /// What a request may cost.
    pub limits: Limits,
    /// Threads that make views for one clip.
    pub threads: usize,
}

/// What requests may cost. Beyond it they are refused, and told so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Bytes of a body; more is 413.
    pub body_bytes: u64,
    /// Frames of a clip; more is 413.
    pub frames: usize,
    /// Seconds from a request's first line to its answer; more is 503.
    pub seconds: u64,
    /// Clips that are worked on at once.
    pub at_once: usize,
    /// Requests that may wait for their turn; more is 429.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 256 << 20, frames: 2_000, seconds: 120, at_once: 2, waiting: 16 }
    }
}

impl Limits {
    /// [`Self::seconds`] as a duration.
    #[must_use]
    pub const fn time(self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// A secret word, kept as its hash, so that no message can show it and comparing takes the same time wherever it differs.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// A token; none where it is too short to keep anyone out.
    #[must_use]
    pub fn new(word: &str) -> Option<Self> {
        (word.len() >= Self::SHORTEST).then(|| Self::of(word))
    }

    /// Bytes a token has at least.
    pub const SHORTEST: usize = 16;

    fn of(word: &str) -> Self {
        Self(Sha256::digest(word).into())
    }

    /// Whether a word is this token.
    #[must_use]
    pub fn is(&self, word: &str) -> bool {
        *self == Self::of(word)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn a_token_is_long_is_told_from_others_and_is_never_shown() {
        assert_eq!(Token::new("too short"), None);
        let token = Token::new("a word of some length").unwrap();
        assert!(token.is("a word of some length") && !token.is("A word of some length") && !token.is(""));
        assert_eq!(format!("{token:?}"), "Token(..)");
    }
}
