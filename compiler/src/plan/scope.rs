//! File scopes, and what their numbers stand for.

use std::sync::Arc;

use hexgate_eval::plan::layout;

use super::Encoder;
use crate::model::{Bounds, PathStyle, Pattern, Scope};

impl<'p> Encoder<'p> {
    /// Writes a scope. Its number, if it has one, is set in the end.
    pub(super) fn scope(&mut self, scope: &'p Arc<Scope>) -> u32 {
        self.once(scope, Self::scope_at)
    }

    fn scope_at(&mut self, scope: &'p Scope) -> u32 {
        if let Some(at) = self.scopes.get(scope) {
            return *at;
        }
        let mut arguments = scope.arguments.iter();
        let first = arguments.next().map_or("", String::as_str);
        let (argument, len) = self.out.text(first);
        let grown = is_grown(scope);
        let mut record = vec![
            layout::scope::NO_ID,
            argument,
            len,
            scope.allowed.len() as u32,
            scope.denied.len() as u32,
        ];
        self.patterns(&scope.allowed, grown, &mut record);
        self.patterns(&scope.denied, grown, &mut record);
        if grown {
            let mut flags = 0;
            if scope.search {
                flags |= layout::scope::SEARCH;
            }
            match scope.style {
                PathStyle::Posix => {}
                PathStyle::Windows => flags |= layout::scope::WINDOWS,
            }
            let further = [flags, arguments.len() as u32, scope.except.len() as u32];
            self.out.add(&mut record, layout::scope::MORE, &further);
            for argument in arguments {
                record.extend(<[u32; 2]>::from(self.out.text(argument)));
            }
            self.patterns(&scope.except, grown, &mut record);
            if scope.search {
                for pattern in &scope.allowed {
                    let start = pattern
                        .start
                        .as_ref()
                        .map_or(0, |start| self.out.dfa(start));
                    record.push(start);
                }
            }
        }
        let at = self.out.words(&record);
        self.scopes.insert(scope, at);
        at
    }

    fn patterns(&mut self, patterns: &[Pattern], grown: bool, record: &mut Vec<u32>) {
        for pattern in patterns {
            let (source, len) = self.out.text(&pattern.source);
            let dfa = self.out.dfa(&pattern.dfa);
            let mut flags = 0;
            if pattern.absolute {
                flags |= layout::scope::ABSOLUTE;
            }
            if grown && pattern.has_slash {
                flags |= layout::scope::HAS_SLASH;
            }
            record.extend([source, len, dfa, flags]);
        }
    }

    /// Writes what each number stands for: where it stands.
    pub(super) fn numbered_scopes(&mut self) -> Vec<u32> {
        let all = std::mem::take(&mut self.numbering.scopes);
        let numbered = all.iter().zip(0..);
        numbered
            .map(|(bounds, id)| self.numbered(bounds, id))
            .collect()
    }

    fn numbered(&mut self, bounds: &Bounds<'p>, id: u32) -> u32 {
        let scope = bounds.scope.map_or(0, |scope| self.scope_at(scope));
        if bounds.exclusions.is_empty() {
            self.out.number(scope, id);
            return scope;
        }
        let exclusions = bounds.exclusions.iter();
        let exclusions: Vec<u32> = exclusions.map(|scope| self.scope_at(scope)).collect();
        let mut record = vec![id, scope, exclusions.len() as u32];
        self.out
            .add(&mut record, layout::scope::BOUNDS, &exclusions);
        self.out.words(&record)
    }
}

/// Whether a scope has what plans of versions 1 and 2 do not have.
fn is_grown(scope: &Scope) -> bool {
    scope.arguments.len() > 1
        || scope.search
        || scope.style != PathStyle::Posix
        || !scope.except.is_empty()
}
