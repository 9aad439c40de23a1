//! The sources of the crate, taken apart into words and paths.
//!
//! Owns the reading of Rust as far as the layers need it: comments, literals and tests are left out,
//! paths are made absolute. Must not know which module may name which.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The files of the library.
pub(super) struct Sources(Vec<Source>);

/// One file.
#[derive(Default)]
pub(super) struct Source {
    name: String,
    text: String,
    /// The modules that it declares outside tests.
    children: BTreeSet<String>,
    imports: Vec<Import>,
    /// Paths outside `use`, as they are written; single words too.
    written: BTreeSet<Vec<String>>,
    words: BTreeSet<String>,
    methods: BTreeSet<String>,
}

/// A name that a `use` brings, and its path from the root, if it is one of ours.
struct Import {
    name: String,
    path: Vec<String>,
    exported: bool,
}

impl Sources {
    /// Reads `src/`.
    pub(super) fn read() -> Self {
        let mut files = Vec::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
        assert!(files.len() > 50, "the sources are elsewhere");
        files.sort();
        Self(files.iter().map(|(name, text)| Source::of(name, text)).collect())
    }

    /// Takes texts apart, for the test of the test.
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(name, text)| Source::of(name, text)).collect())
    }

    /// The files that are part of the program: those that are declared outside tests.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter().filter(|source| self.is_declared(&source.name))
    }

    /// All files, those of tests too.
    pub(super) fn all(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// The file of that name.
    pub(super) fn get(&self, name: &str) -> Option<&Source> {
        self.0.iter().find(|source| source.name == name)
    }

    /// The other files whose items a file's code names. What it only hands on with `pub use` it does
    /// not need, and who names it there needs the file that it comes from.
    pub(super) fn needs(&self, source: &Source) -> BTreeSet<&str> {
        let used = source.imports.iter().filter(|import| !import.exported || source.speaks_of(&import.name));
        let paths = used.map(|import| import.path.clone()).chain(source.named());
        paths.filter_map(|path| self.home(&path, 0)).filter(|home| *home != source.name).collect()
    }

    fn is_declared(&self, name: &str) -> bool {
        if ["lib", "main"].contains(&name) {
            return true;
        }
        let (parent, child) = name.rsplit_once("::").unwrap_or(("lib", name));
        self.get(parent).is_some_and(|parent| parent.children.contains(child)) && self.is_declared(parent)
    }

    /// The file that holds what a path names.
    fn home(&self, path: &[String], hops: usize) -> Option<&str> {
        assert!(hops < 10, "{path:?} is imported in a circle");
        let (module, name) = (1..=path.len()).rev().find_map(|length| {
            let (module, rest) = path.split_at(length);
            Some((self.get(&module.join("::"))?, rest.first()))
        })?;
        let import = module.imports.iter().find(|import| Some(&import.name) == name);
        import.and_then(|import| self.home(&import.path, hops + 1)).or(Some(&module.name))
    }
}

impl Source {
    /// Takes a text apart.
    pub(super) fn of(name: &str, text: &str) -> Self {
        let mut source = Self { name: name.to_owned(), text: text.to_owned(), ..Self::default() };
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        source.children = (0..tokens.len()).filter_map(|at| declared(&tokens, at)).collect();
        source.walk(&tokens);
        source
    }

    /// Its module's path without `crate`, as in `graph::calls::get_schedule`; `lib` for the root.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The module of the root that it belongs to.
    pub(super) fn top(&self) -> &str {
        self.name.split("::").next().unwrap_or_default()
    }

    /// The whole text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a word occurs in it.
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// Whether it calls a method of that name.
    pub(super) fn calls(&self, method: &str) -> bool {
        self.methods.contains(method)
    }

    /// Whether it holds a path, perhaps with more in front.
    pub(super) fn says(&self, path: &str) -> bool {
        self.written.iter().any(|written| written.join("::").ends_with(path))
    }

    /// Each of our own things that it names, by its path from the root.
    pub(super) fn paths(&self) -> BTreeSet<String> {
        self.imports.iter().map(|import| import.path.clone()).chain(self.named()).map(|path| path.join("::")).collect()
    }

    /// What its code names by a whole path.
    fn named(&self) -> impl Iterator<Item = Vec<String>> {
        self.written.iter().filter(|path| path.len() > 1).filter_map(|path| self.absolute(path))
    }

    fn speaks_of(&self, name: &str) -> bool {
        self.written.iter().any(|path| path.first().is_some_and(|first| first == name))
    }

    /// A path from the root, if it is one of ours and says so itself.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let own: Vec<String> = self.name.split("::").filter(|part| *part != "lib").map(str::to_owned).collect();
        let ups = path.iter().take_while(|part| *part == "super").count();
        let (base, rest) = match path.first()?.as_str() {
            "crate" => (&[][..], path.get(1..)?),
            "self" => (&own[..], path.get(1..)?),
            "super" => (own.get(..own.len().checked_sub(ups)?)?, path.get(ups..)?),
            first if self.children.contains(first) => (&own[..], path),
            _ => return None,
        };
        let absolute = [base, rest].concat();
        (!absolute.is_empty()).then_some(absolute)
    }

    fn walk(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if is_punct(tokens, at, '#') && tokens.get(at + 1).is_some_and(is_cfg_test) {
                at = end_of_item(tokens, at + 2);
                continue;
            }
            match token {
                TokenTree::Group(group) => self.walk(&group.stream().into_iter().collect::<Vec<_>>()),
                // `pub(in path)` names no dependency.
                TokenTree::Ident(_)
                    if is_word(tokens, at, "pub") && group(tokens, at + 1, Delimiter::Parenthesis).is_some() =>
                {
                    at += 1
                }
                TokenTree::Ident(_) if is_word(tokens, at, "use") && !is_punct(tokens, at + 1, '<') => {
                    let end = end_of_use(tokens, at);
                    let exported =
                        at > 0 && (is_word(tokens, at - 1, "pub") || at > 1 && is_word(tokens, at - 2, "pub"));
                    self.import(tokens.get(at + 1..end).unwrap_or_default(), &[], exported);
                    at = end;
                }
                TokenTree::Ident(_) => at = self.path(tokens, at),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
    }

    /// Takes in the path that begins at a word; says where its last word is.
    fn path(&mut self, tokens: &[TokenTree], mut at: usize) -> usize {
        let inside = at > 0 && (is_punct(tokens, at - 1, '.') || at > 1 && is_double_colon(tokens, at - 2));
        let call = at > 0 && is_punct(tokens, at - 1, '.');
        let mut path: Vec<String> = word(tokens, at).into_iter().collect();
        while is_double_colon(tokens, at + 1) {
            let Some(next) = word(tokens, at + 3) else { break };
            path.push(next);
            at += 3;
        }
        self.words.extend(path.iter().cloned());
        if call {
            self.methods.extend(path.first().cloned());
        }
        if !inside {
            self.written.insert(path);
        }
        at
    }

    /// Takes in one tree of a `use`.
    fn import(&mut self, tree: &[TokenTree], before: &[String], exported: bool) {
        let (mut path, mut at, mut name) = (before.to_vec(), 0, None);
        while let Some(token) = tree.get(at) {
            match token {
                TokenTree::Ident(_) if is_word(tree, at, "as") => {
                    name = word(tree, at + 1);
                    break;
                }
                TokenTree::Ident(part) if part == "self" && !path.is_empty() => {}
                TokenTree::Ident(part) => path.push(part.to_string()),
                TokenTree::Group(group) => {
                    let branches: Vec<TokenTree> = group.stream().into_iter().collect();
                    for branch in
                        branches.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','))
                    {
                        if !branch.is_empty() {
                            self.import(branch, &path, exported);
                        }
                    }
                    return;
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => name = Some("*".to_owned()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
        self.words.extend(path.iter().cloned());
        let name = name.or_else(|| path.last().cloned()).unwrap_or_default();
        if let Some(path) = self.absolute(&path) {
            self.imports.push(Import { name, path, exported });
        }
    }
}

/// The files of a folder: module name and text.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let name = if prefix.is_empty() { stem.to_owned() } else { format!("{prefix}::{stem}") };
        if path.is_dir() {
            collect(&path, &name, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The module that is declared here, if it is not for tests.
fn declared(tokens: &[TokenTree], at: usize) -> Option<String> {
    let is_one = is_word(tokens, at, "mod") && is_punct(tokens, at + 2, ';');
    // Between the attribute and the word may stand who sees it.
    let is_scoped = at > 0 && group(tokens, at - 1, Delimiter::Parenthesis).is_some();
    let begin = at - usize::from(is_scoped);
    let begin = begin - usize::from(begin > 0 && is_word(tokens, begin - 1, "pub"));
    let for_tests = begin > 0 && tokens.get(begin - 1).is_some_and(is_cfg_test);
    (is_one && !for_tests).then(|| word(tokens, at + 1)).flatten()
}

fn word(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at)? {
        TokenTree::Ident(word) => Some(word.to_string()),
        _ => None,
    }
}

fn is_word(tokens: &[TokenTree], at: usize, text: &str) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Ident(word)) if word == text)
}

fn is_punct(tokens: &[TokenTree], at: usize, char: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}

fn is_double_colon(tokens: &[TokenTree], at: usize) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint)
        && is_punct(tokens, at + 1, ':')
}

fn group(tokens: &[TokenTree], at: usize, delimiter: Delimiter) -> Option<&proc_macro2::Group> {
    match tokens.get(at)? {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

fn is_cfg_test(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    group.stream().to_string().replace(' ', "") == "cfg(test)"
}

/// Where the item that begins here ends.
fn end_of_item(tokens: &[TokenTree], from: usize) -> usize {
    let ends = |at: &usize| is_punct(tokens, *at, ';') || group(tokens, *at, Delimiter::Brace).is_some();
    (from..tokens.len()).find(ends).map_or(tokens.len(), |at| at + 1)
}

fn end_of_use(tokens: &[TokenTree], from: usize) -> usize {
    (from..tokens.len()).find(|at| is_punct(tokens, *at, ';')).unwrap_or(tokens.len())
}
