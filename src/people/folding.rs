//! Names as they are compared: without capitals, accents and order. Used to find accounts and to suggest whose they are.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// A text without capitals and accents, its words one space apart.
pub fn fold(text: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let mut plain = String::with_capacity(decomposed.len());
    for letter in decomposed.chars().filter(|letter| !is_accent(*letter)).flat_map(char::to_lowercase) {
        match whole(letter) {
            Some(letters) => plain.push_str(letters),
            None => plain.push(letter),
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a text, folded and sorted: equal for "Raman, Priya" and "Priya Raman".
pub fn folded_words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let mut words: Vec<String> =
        folded.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    words.sort_unstable();
    words
}

fn is_accent(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

/// Letters that Unicode does not take apart, written as people do whose keyboard lacks them.
fn whole(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ł' => "l",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'æ' => "ae",
        'œ' => "oe",
        'ß' => "ss",
        'þ' => "th",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_and_accents_do_not_make_another_name() {
        for (text, folded) in [
            ("Lucía  Fernández", "lucia fernandez"),
            ("ŁUKASZ Zieliński", "lukasz zielinski"),
            ("Søren Æbelø", "soren aebelo"),
            ("İlker Işık", "ilker isik"),
            ("田中 メイ", "田中 メイ"),
            ("", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn words_are_compared_in_any_order() {
        assert_eq!(folded_words("Raman, Priya"), folded_words("priya RAMAN"));
        assert_ne!(folded_words("Priya Raman"), folded_words("Priya Ram an"));
    }
}
