//! The house as it was meant: crates depend downwards only, the modules of a crate form no cycle, and what a host brings along is bounded.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use syn::{
    Attribute, Item, ItemMod, ItemUse, UseTree,
    visit::{self, Visit},
};

/// The crates from the ground up. Each depends on those above it in this list alone, tests apart.
const FLOORS: &[&str] = &[
    "hexgate-contract",
    "hexgate-eval",
    "hexgate-guest",
    "hexgate-exports",
    "hexgate-engine",
    "hexgate-opa",
    "hexgate-http",
    "hexgate-component",
    "hexgate-base",
    "hexgate-bundle",
    "hexgate-compiler",
    "hexgate-host",
    "hexgate-registry",
    "hexgate-platform",
    "hexgate-approvals",
    "hexgate-audit",
    "hexgate-enforce",
    "hexgate-address",
    "hexgate-said",
    "hexgate-sandbox",
    "hexgate-macros",
    "hexgate-agent",
    "hexgate-tools",
    "hexgate-hook",
    "hexgate-authzen",
    "hexgate-mcp",
    "hexgate-cli",
];

/// What tests of other workspaces build on, and the most that it may stand on.
const TEST_FLOORS: &[(&str, &str)] = &[("hexgate-adapter-kit", "hexgate-enforce")];

#[test]
fn crates_depend_downwards_only() {
    let floor = |name: &str| FLOORS.iter().position(|floor| *floor == name);
    let mut seen = BTreeSet::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let path = Path::new(package["manifest_path"].as_str().unwrap());
        if !path.starts_with(root().join("tests")) && !path.starts_with(root().join("examples")) {
            assert!(floor(name).is_some(), "`{name}` has no floor: list it");
            seen.insert(name.to_owned());
        }
        let Some(own) = floor(name) else { continue };
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            if dependency["kind"].is_null()
                && let Some(below) = floor(other)
            {
                assert!(
                    below < own,
                    "`{name}` depends on `{other}`, which stands on it"
                );
            }
        }
    }
    for (name, above) in TEST_FLOORS {
        let package = packages().into_iter().find(|it| it["name"] == *name);
        let package = package.unwrap_or_else(|| panic!("there is no crate `{name}`"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            assert!(
                !dependency["kind"].is_null() || floor(other) <= floor(above),
                "`{name}` depends on `{other}`, which stands above `{above}`"
            );
        }
    }
    for name in FLOORS {
        assert!(seen.contains(*name), "there is no crate `{name}`");
    }
}

/// Packages without their default features, and how many crates each may bring along.
const MOST_CRATES: &[(&str, &str, usize)] = &[
    ("hexgate-contract", "", 1),
    ("hexgate-host", "", 80),
    ("hexgate-host", "cranelift", 120),
    ("hexgate-enforce", "", 100),
    ("hexgate-enforce", "cranelift", 130),
    ("hexgate-authzen", "", 220),
    ("hexgate-mcp", "", 330),
    ("hexgate-adapter-kit", "", 200),
    ("hexgate-cli", "hexgate", 165),
];

#[test]
fn what_a_package_brings_along_is_bounded() {
    for (package, features, most) in MOST_CRATES {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--package", package, "--no-default-features"])
            .args(["--features", features, "--edges=normal", "--prefix=none"])
            .args(["--format={p}", "--no-dedupe", "--locked"])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let crates: BTreeSet<&str> = text.lines().collect();
        assert!(
            crates.len() <= *most,
            "{package} with `{features}` brings {} crates, at most {most} are meant",
            crates.len()
        );
        // Nothing was counted if this is not so.
        assert!(crates.len() * 2 > *most, "{package}: {}", crates.len());
    }
}

#[test]
fn modules_form_no_cycle() {
    let mut cycles = Vec::new();
    let mut looked_at = 0;
    for package in packages() {
        let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
        if manifest.starts_with(root().join("tests")) {
            continue;
        }
        for target in package["targets"].as_array().unwrap() {
            let kind = target["kind"][0].as_str().unwrap();
            if matches!(kind, "lib" | "cdylib" | "bin" | "rlib") {
                let graph = Graph::of(Path::new(target["src_path"].as_str().unwrap()));
                looked_at += graph.edges.len();
                cycles.extend(
                    graph
                        .cycle()
                        .map(|cycle| format!("{} ({kind}): {cycle}", package["name"])),
                );
            }
        }
    }
    assert!(looked_at > 100, "only {looked_at} modules were looked at");
    assert!(
        cycles.is_empty(),
        "modules form cycles:\n{}",
        cycles.join("\n")
    );
}

#[test]
fn a_cycle_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("lib.rs", "mod a; mod b; mod c; pub use c::Name;");
    write(
        "a.rs",
        "use crate::b::X; #[cfg(test)] mod tests { use crate::c::Name; }",
    );
    write("b.rs", "mod inner;");
    write("b/inner.rs", "fn f() { super::super::Name::new() }");
    write("c.rs", "use super::d;");
    let cycle = || Graph::of(&folder.path().join("lib.rs")).cycle();
    assert_eq!(cycle(), None);
    write("c.rs", "use crate::{a::{self, Y}};");
    assert_eq!(cycle().unwrap(), "a -> b -> c -> a");
}

/// The top-level modules of a crate, and which of them each one names.
struct Graph {
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn of(crate_root: &Path) -> Self {
        let folder = crate_root.parent().unwrap();
        let file = parse(crate_root);
        let mut modules = BTreeMap::new();
        let mut names = BTreeMap::new();
        for item in &file.items {
            match item {
                Item::Mod(module) if !is_test(&module.attrs) => {
                    let name = module.ident.to_string();
                    modules.insert(name.clone(), files_of(folder, &name));
                }
                Item::Use(item) => {
                    let mut paths = Vec::new();
                    expand(&item.tree, &mut Vec::new(), &mut paths);
                    for path in paths {
                        if let [first, .., last] = path.as_slice() {
                            names.insert(last.clone(), first.clone());
                        }
                    }
                }
                _ => {}
            }
        }
        let mut edges = BTreeMap::new();
        for (module, files) in &modules {
            let mut targets = BTreeSet::new();
            for (path, depth) in files {
                let mut paths = Paths {
                    depth: *depth,
                    found: Vec::new(),
                };
                paths.visit_file(&parse(path));
                targets.extend(paths.found);
            }
            let resolved = targets
                .into_iter()
                .map(|name| names.get(&name).cloned().unwrap_or(name))
                .filter(|name| name != module && modules.contains_key(name))
                .collect();
            edges.insert(module.clone(), resolved);
        }
        Self { edges }
    }

    /// A shortest cycle, if there is one.
    fn cycle(&self) -> Option<String> {
        let mut shortest: Option<Vec<&str>> = None;
        for start in self.edges.keys() {
            let mut before = BTreeMap::new();
            let mut queue = std::collections::VecDeque::from([start.as_str()]);
            while let Some(module) = queue.pop_front() {
                for next in &self.edges[module] {
                    if next == start {
                        let mut cycle = vec![start.as_str(), module];
                        while cycle.last() != Some(&start.as_str()) {
                            cycle.push(before[cycle.last().unwrap()]);
                        }
                        cycle.reverse();
                        if shortest
                            .as_ref()
                            .is_none_or(|other| cycle.len() < other.len())
                        {
                            shortest = Some(cycle);
                        }
                    } else if !before.contains_key(next.as_str()) {
                        before.insert(next.as_str(), module);
                        queue.push_back(next);
                    }
                }
            }
        }
        shortest.map(|cycle| cycle.join(" -> "))
    }
}

/// The files of a top-level module, and how deep below the root each one is.
fn files_of(folder: &Path, module: &str) -> Vec<(PathBuf, usize)> {
    let mut files = Vec::new();
    let single = folder.join(format!("{module}.rs"));
    if single.is_file() {
        files.push((single, 1));
    }
    let mut folders = vec![(folder.join(module), 2)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push((path, depth + 1));
            } else if name == "mod.rs" {
                files.push((path, depth - 1));
            } else if name.ends_with(".rs") && name != "tests.rs" {
                files.push((path, depth));
            }
        }
    }
    files
}

fn parse(path: &Path) -> syn::File {
    let text = fs::read_to_string(path).unwrap();
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|condition| condition.is_ident("test"))
    })
}

/// Collects what a file names at the root of its crate.
struct Paths {
    depth: usize,
    found: Vec<String>,
}

impl Paths {
    fn take(&mut self, path: &[String]) {
        let mut segments = path.iter();
        let mut depth = match path.first().map(String::as_str) {
            Some("crate") => {
                segments.next();
                0
            }
            Some("super") => self.depth,
            _ => return,
        };
        for segment in segments {
            if segment == "super" {
                depth -= 1;
            } else {
                if depth == 0 {
                    self.found.push(segment.clone());
                }
                return;
            }
        }
    }
}

impl Visit<'_> for Paths {
    fn visit_item_mod(&mut self, module: &ItemMod) {
        if !is_test(&module.attrs) {
            self.depth += 1;
            visit::visit_item_mod(self, module);
            self.depth -= 1;
        }
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        let mut paths = Vec::new();
        expand(&item.tree, &mut Vec::new(), &mut paths);
        paths.iter().for_each(|path| self.take(path));
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        self.take(&segments);
        visit::visit_path(self, path);
    }
}

/// The paths that a `use` names.
fn expand(tree: &UseTree, prefix: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            expand(&path.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                expand(tree, prefix, paths);
            }
        }
        UseTree::Name(name) => paths.push(with(prefix, &name.ident.to_string())),
        UseTree::Rename(rename) => paths.push(with(prefix, &rename.ident.to_string())),
        UseTree::Glob(_) => paths.push(with(prefix, "*")),
    }
}

fn with(prefix: &[String], last: &str) -> Vec<String> {
    let mut path = prefix.to_vec();
    path.push(last.to_owned());
    path
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}
