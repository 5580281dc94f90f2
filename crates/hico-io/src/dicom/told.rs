//! Facts of one file that its owner should hear of although it was read.

/// Facts of one file, each told once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Told(Vec<String>);

impl Told {
    pub(super) fn tell(&mut self, fact: impl Into<String>) {
        let fact = fact.into();
        if !self.0.contains(&fact) {
            self.0.push(fact);
        }
    }
}

impl From<Told> for Vec<String> {
    fn from(told: Told) -> Self {
        told.0
    }
}
