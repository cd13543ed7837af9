//! A field in which a form asks for a person: a list where everybody fits one, else e-mail address or exact name.

/// The field. A template includes `web/person_field.html` with it as `field`.
pub struct PersonField {
    /// What the form sends it as; also the element's id.
    pub name: &'static str,
    /// What it asks.
    pub label: &'static str,
    /// What choosing nobody means: "Choose a person", "Yourself".
    pub nobody: &'static str,
    /// Whether somebody must be chosen.
    pub is_required: bool,
    /// Who can be chosen, by id and name; absent where they are too many for a list.
    pub people: Option<Vec<(String, String)>>,
    /// What was chosen or typed.
    pub sent: String,
    /// What is wrong with it and what to do.
    pub wrong: Option<String>,
}
