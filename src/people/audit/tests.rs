//! Whether every action that is recorded has its sentence.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

#[test]
fn every_action_that_is_recorded_has_its_sentence() {
    let mut recorded = BTreeSet::new();
    for file in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let text = fs::read_to_string(&file).unwrap();
        for call in calls(&text, "audit::record(") {
            let mut words = words_in(call);
            if words.is_empty() {
                words = named_before(&text);
            }
            assert!(!words.is_empty(), "{}: no word of an action in {call}", file.display());
            recorded.extend(words);
        }
    }
    let listed: BTreeSet<String> = ACTIONS.iter().map(|(word, _, _)| (*word).to_owned()).collect();
    assert_eq!(recorded.difference(&listed).collect::<Vec<_>>(), Vec::<&String>::new(), "recorded without a sentence");
    assert_eq!(listed.len(), ACTIONS.len(), "a word stands there twice");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).filter(|path| is_rust(path)).collect()
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("audit/tests.rs")
}

/// The arguments of each call that begins so.
fn calls<'a>(text: &'a str, begin: &str) -> impl Iterator<Item = &'a str> {
    text.split(begin).skip(1).map(|rest| {
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += match c {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth == 0
        });
        &rest[..end.unwrap_or(rest.len())]
    })
}

/// The action among a call's arguments: the first text of the form of one.
fn words_in(call: &str) -> Vec<String> {
    let quoted = call.split('"').skip(1).step_by(2);
    quoted
        .filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        .take(1)
        .map(str::to_owned)
        .collect()
}

/// The actions of a file that chooses one before it records it: as `let action = …`, or as an argument of its own function.
fn named_before(text: &str) -> Vec<String> {
    let chosen = text.split("let action =").skip(1).filter_map(|rest| rest.split(';').next());
    let mut words: Vec<String> = chosen.flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_owned).collect();
    let takes_action = |declared: &&str| declared.split(')').next().is_some_and(|taken| taken.contains("action: &'static str"));
    for declared in text.split("fn ").skip(1).filter(takes_action) {
        let name = declared.split('(').next().unwrap_or_default();
        words.extend(calls(text, &format!(" {name}(")).filter(|call| !call.contains("action: ")).flat_map(words_in));
    }
    words
}
