//! The documents say what is so: their policies compile or are refused as they say, their tables are the code's.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{collections::BTreeSet, fs, path::Path};

use hexgate_compiler::{
    Compiler,
    automata::glob,
    budget::Account,
    diagnostic::{Severity, all_codes},
    expr::Function,
    model::PathStyle,
};

/// A document, by its path from the root of the repository.
struct Document {
    name: String,
    text: String,
}

fn read(name: &str) -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Document {
        name: name.to_owned(),
        text,
    }
}

fn documents() -> Vec<Document> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| format!("docs/{}", entry.unwrap().file_name().into_string().unwrap()))
        .filter(|name| name.ends_with(".md"))
        .collect();
    names.sort();
    names.push("README.md".to_owned());
    names.iter().map(|name| read(name)).collect()
}

/// The blocks of a document: what they are marked with, their text, and the line in which they begin.
fn blocks(text: &str) -> Vec<(&str, String, usize)> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, String, usize)> = None;
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(mark)) => open = Some((mark, String::new(), index + 1)),
            (None, None) => {}
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, block, _)), None) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// A document without its blocks.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if !inside {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// The cells of a row of a table.
fn cells(line: &str) -> Vec<&str> {
    line.trim()
        .trim_matches('|')
        .split('|')
        .map(str::trim)
        .collect()
}

#[test]
fn policies_in_documents_compile_or_are_refused_as_they_say() {
    let mut wrong = Vec::new();
    let mut seen = (0, 0);
    for document in documents() {
        for (mark, text, line) in blocks(&document.text) {
            let Some(promise) = mark.strip_prefix("yaml ") else {
                continue;
            };
            let outcome = Compiler::default().compile_str("policy.yaml", &text);
            let found: Vec<&str> = outcome
                .diagnostics
                .iter()
                .map(|diagnostic| diagnostic.code)
                .collect();
            let kept = match promise.strip_prefix("refused ") {
                Some(code) => {
                    seen.1 += 1;
                    outcome.policy.is_none() && found == [code]
                }
                None => {
                    assert_eq!(
                        promise, "policy",
                        "{}, line {line}: an unknown mark",
                        document.name
                    );
                    seen.0 += 1;
                    outcome.policy.is_some() && found.is_empty()
                }
            };
            if !kept {
                wrong.push(format!(
                    "{}, line {line}: `{promise}`, and the compiler says {found:?}",
                    document.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        seen.0 >= 10 && seen.1 >= 8,
        "too few policies were found: {seen:?}"
    );
}

#[test]
fn the_tables_of_codes_are_complete() {
    let document = read("docs/diagnostics.md");
    let (_, tables) = document.text.split_once("## All codes").unwrap();
    let written: Vec<(String, String, String)> = tables
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| match cells(line).as_slice() {
            [code, severity, title] => (
                code.trim_matches('`').to_owned(),
                (*severity).to_owned(),
                (*title).to_owned(),
            ),
            _ => panic!("`{line}` has not three cells"),
        })
        .collect();
    let known: Vec<(String, String, String)> = all_codes()
        .map(|doc| {
            (
                doc.code.to_owned(),
                doc.severity.name().to_owned(),
                doc.title.to_owned(),
            )
        })
        .collect();
    let (written, known): (BTreeSet<_>, BTreeSet<_>) =
        (written.into_iter().collect(), known.into_iter().collect());
    let missing: Vec<_> = known.difference(&written).collect();
    let stale: Vec<_> = written.difference(&known).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "missing: {missing:#?}\nstale: {stale:#?}"
    );
}

#[test]
fn the_table_of_budgets_is_so() {
    let document = read("docs/security.md");
    let (_, table) = document
        .text
        .split_once("| budget | a policy has | what it bounds |")
        .unwrap();
    let rows = table.lines().skip(2);
    let written: Vec<(String, u64)> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let row = cells(line);
            let [name, limit, _] = row.as_slice() else {
                panic!("`{line}` has not three cells")
            };
            let (number, unit) = match limit.strip_suffix(" MiB") {
                Some(number) => (number, 1 << 20),
                None => (*limit, 1),
            };
            let number: u64 = number.replace(',', "").parse().unwrap();
            (name.trim_matches('`').to_owned(), number * unit)
        })
        .collect();
    let known: Vec<(String, u64)> = Account::ALL
        .iter()
        .map(|account| (account.name().to_owned(), account.limit()))
        .collect();
    assert_eq!(written, known);
}

#[test]
fn codes_that_documents_mention_exist() {
    let known: BTreeSet<&str> = all_codes().map(|doc| doc.code).collect();
    let text = prose(&read("docs/language.md").text);
    let after = |rest: &'_ str| -> Option<String> {
        // "the compiler warns (`code`)", "it warns too (`code`)"
        let rest = rest.trim_start();
        let rest = rest.strip_prefix("too").unwrap_or(rest).trim_start();
        rest.strip_prefix("(`")?
            .split('`')
            .next()
            .map(str::to_owned)
    };
    let warnings: Vec<String> = text.split("warns").skip(1).filter_map(after).collect();
    for code in &warnings {
        assert!(known.contains(code.as_str()), "`{code}` is not a code");
        let warns = all_codes().any(|doc| doc.code == *code && doc.severity == Severity::Warning);
        assert!(warns, "`{code}` is not a warning");
    }
    assert!(warnings.len() >= 4, "{warnings:?}");
}

#[test]
fn the_table_of_path_patterns_is_so() {
    let document = read("docs/language.md");
    let (_, table) = document
        .text
        .split_once("| pattern | path | allowed covers | denied covers |")
        .unwrap();
    let texts = |cell: &str| -> Vec<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let mut checked = 0;
    for line in table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
    {
        let row = cells(line);
        let [patterns, paths, allowed, denied] = row.as_slice() else {
            panic!("`{line}` has not four cells")
        };
        for pattern in texts(patterns) {
            for path in texts(paths) {
                let says = |cell: &str| match cell {
                    "yes" => true,
                    "no" => false,
                    other => panic!("`{other}` is neither yes nor no"),
                };
                let covers = |pattern: glob::Glob| pattern.dfa.accepts(&path);
                assert_eq!(
                    covers(glob::allowed(&pattern, PathStyle::Posix).unwrap()),
                    says(allowed),
                    "{pattern} allows {path}"
                );
                assert_eq!(
                    covers(glob::denied(&pattern, PathStyle::Posix).unwrap()),
                    says(denied),
                    "{pattern} denies {path}"
                );
                checked += 1;
            }
        }
    }
    assert!(checked >= 25, "{checked} rows");
}

#[test]
fn the_table_of_names_that_are_taken_for_the_same_is_so() {
    let document = read("docs/language.md");
    let (_, table) = document
        .text
        .split_once("| pattern | also covers | because |")
        .unwrap();
    let rows = table.lines().skip(2);
    let mut checked = 0;
    for row in rows.take_while(|line| line.starts_with('|')) {
        let mut columns = row.split('|').skip(1).map(|cell| -> Vec<String> {
            let texts = cell.split('`').skip(1).step_by(2);
            texts.map(with_characters).collect()
        });
        let (patterns, names) = (columns.next().unwrap(), columns.next().unwrap());
        for (index, name) in names.iter().enumerate() {
            // Several patterns have a name each.
            let pattern = patterns.get(index).or(patterns.first()).unwrap();
            assert!(
                glob::denied(pattern, PathStyle::Posix)
                    .unwrap()
                    .dfa
                    .accepts(name),
                "{row}"
            );
            assert!(
                !glob::allowed(pattern, PathStyle::Posix)
                    .unwrap()
                    .dfa
                    .accepts(name)
                    || pattern.contains('*'),
                "{row}"
            );
            checked += 1;
        }
    }
    assert!(checked >= 15, "{checked} names");
}

/// A text with `‹U+XXXX›` for characters that are not seen.
fn with_characters(text: &str) -> String {
    let mut parts = text.split("‹U+");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |before, part| {
        let (code, after) = part.split_once('›').unwrap();
        let c = char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap();
        format!("{before}{c}{after}")
    })
}

#[test]
fn every_function_is_in_the_grammar() {
    let language = read("docs/language.md").text;
    let grammar = language.split("### Grammar").nth(1).unwrap();
    let grammar = grammar.split("###").next().unwrap();
    for function in Function::ALL {
        assert!(grammar.contains(&format!("\"{function}\"")), "{function}");
    }
}
