//! What forms that come back have in common: which field is wrong.

/// Which field of a form is wrong, and what to do about it.
#[derive(Default)]
pub struct WrongField(Option<(&'static str, String)>);

impl WrongField {
    /// `sentence` about the field with this name.
    pub fn new(field: &'static str, sentence: impl Into<String>) -> Self {
        Self(Some((field, sentence.into())))
    }

    /// What is wrong with the field of this name.
    pub fn at(&self, field: &str) -> Option<&str> {
        self.0.as_ref().filter(|(wrong, _)| *wrong == field).map(|(_, sentence)| sentence.as_str())
    }
}
