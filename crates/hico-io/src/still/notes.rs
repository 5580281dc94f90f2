//! Notes on the pictures of a clip together.

/// Says what was learnt of the pictures of a clip.
#[derive(Debug, Default)]
pub(crate) struct PictureNotes {
    largest: Option<u16>,
    told: Vec<String>,
}

impl PictureNotes {
    /// - `largest`: value of a picture, where there are 16 bits for each
    /// - `told`: what a person should look at
    pub(crate) fn learn(&mut self, largest: Option<u16>, told: &[String]) {
        self.largest = self.largest.max(largest);
        told.iter().for_each(|fact| self.tell(fact.clone()));
    }

    /// Tells a fact once.
    pub(crate) fn tell(&mut self, fact: String) {
        if !self.told.contains(&fact) {
            self.told.push(fact);
        }
    }

    /// Tells whether values fill their 16 bits, and does not mend it: by its own values a dark picture would be spread
    /// and the bright one beside it would not, and nothing in a file says which of them it is.
    pub(crate) fn into_notes(self) -> Vec<String> {
        let bits = self.largest.map_or(16, |largest| u16::BITS - largest.leading_zeros());
        let dark = (1..=14).contains(&bits).then(|| {
            "16 bits a value, of which at most 14 are used: stored as dark as that; to have them spread, write them so that \
             white is 65535"
                .to_owned()
        });
        dark.into_iter().chain(self.told).collect()
    }
}
