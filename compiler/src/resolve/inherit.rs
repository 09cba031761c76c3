//! Role by role, parents first: what each inherits, adds and replaces.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry as MapEntry},
    sync::Arc,
};

use super::{
    Entry, Forbid, Listed, Replacement, Resolved, Role, Use,
    constraints::Constraints,
    consts::{self, Env},
    definitions::{self, Uses as Names},
    forbid, order, overlap,
    scope::{self, Subject},
};
use crate::{
    budget::{Account, Budget},
    diagnostic::{Diagnostic, Sink},
    document::{Const, Define, Document, ForbidDoc, Layout, Name, RoleDoc, RuleDoc, Text, ToolDoc},
    model::{Mode, NamePattern},
    source::{Sources, Span},
};

/// A role that another one inherits.
#[derive(Clone, Copy)]
struct Parent<'p, 'd> {
    role: &'p Role<'d>,
    env: &'p Arc<Env<'d>>,
    /// Where it is inherited.
    place: Span,
}

/// How many times the room of a rule a constant takes where it is copied, with its name and its place.
const COPY: u64 = 4;

/// The most patterns of tool names of a role: those that match a name are looked for one by one.
pub(super) const MAX_PATTERNS: usize = 1_024;
/// The most parts of what a role forbids, and of what is forbidden beside the roles.
pub(super) const MAX_FORBIDS: usize = 1_024;

/// Constraints, alike ones once, and the later ones of alike ones with the place of the first.
type Uses<'d> = (Vec<Use<'d>>, Vec<(Use<'d>, Span)>);

/// The rules by tool, and that for tools that are not listed: into the entries.
type Rules<'d> = (Arc<BTreeMap<&'d str, usize>>, Option<usize>);

/// Resolves a document. What could not be resolved is missing from the result; then an error stands in `sink`.
pub fn resolve<'d>(
    document: &'d Document,
    budget: &Budget,
    sources: &Sources,
    sink: &mut Sink,
) -> Resolved<'d> {
    let mut resolver = Resolver {
        budget,
        sources,
        sink,
        constraints: Constraints::default(),
        entries: Vec::new(),
        listed: Vec::new(),
        forbids: Vec::new(),
        known_forbids: HashMap::new(),
        replacements: Vec::new(),
        lists: HashMap::new(),
    };
    let order = order::order(document, budget, resolver.sink);
    let shared_env = definitions::extend(
        Env::shared(&document.consts),
        &document.defines,
        |_| None,
        &mut resolver.constraints,
        (budget, sources),
        resolver.sink,
    );
    let shared = resolver.constraints.parse_all(
        &document.constraints,
        &shared_env,
        false,
        budget,
        sources,
        resolver.sink,
    );
    let ceiling = resolver.own_forbids(&document.forbids, None, &shared_env);
    let mut done: BTreeMap<usize, (Role<'d>, Arc<Env<'d>>)> = BTreeMap::new();
    for (index, parents) in &order {
        let Some(doc) = document.roles.get(*index) else {
            continue;
        };
        if resolver.is_over() {
            break;
        }
        let parents: Vec<Parent<'_, 'd>> = parents
            .iter()
            .filter_map(|(parent, span)| {
                done.get(parent).map(|(role, env)| Parent {
                    role,
                    env,
                    place: *span,
                })
            })
            .collect();
        let Some(resolved) = resolver.role(doc, &parents, &shared, &shared_env) else {
            break;
        };
        done.insert(*index, resolved);
    }
    if !document.roles.is_empty()
        && document.refused_roles.is_empty()
        && document.roles.iter().all(|role| role.is_mixin)
        && let Layout::Roles(span) | Layout::Directory(span) = document.layout
    {
        resolver.sink.push(
            Diagnostic::new(
                "no-roles",
                "all roles of this policy are mixins, which no caller can have",
                span,
                "only mixins",
            )
            .with_help("add a role without `is_mixin: true`, such as `default: {}`"),
        );
    }

    let Resolver {
        constraints,
        entries,
        listed,
        forbids,
        replacements,
        ..
    } = resolver;
    let unused = |name: &&'d Name| !constraints.used.contains(&name.span);
    let consts = document
        .consts
        .iter()
        .chain(document.roles.iter().flat_map(|role| &role.consts));
    let unused_consts = consts
        .map(|constant| &constant.name)
        .filter(unused)
        .collect();
    let defines = document
        .defines
        .iter()
        .chain(document.roles.iter().flat_map(|role| &role.defines));
    let unused_defines = defines.map(|define| &define.name).filter(unused).collect();
    let position: BTreeMap<usize, usize> = order
        .iter()
        .enumerate()
        .map(|(position, (index, _))| (*index, position))
        .collect();
    let mut roles: Vec<(usize, Role<'d>)> = done
        .into_iter()
        .map(|(index, (role, _))| (position.get(&index).copied().unwrap_or(0), role))
        .collect();
    roles.sort_by_key(|(position, _)| *position);
    let by_name = (0..)
        .zip(&roles)
        .map(|(at, (_, role))| (role.doc.name.text.as_str(), at))
        .collect();
    let resolved = Resolved {
        document,
        by_name,
        constraints: constraints.written,
        entries,
        listed,
        forbids,
        ceiling,
        shared,
        roles: roles.into_iter().map(|(_, role)| role).collect(),
        replacements,
        unused_consts,
        unused_defines,
    };
    overlap::check(&resolved, budget, sink);
    resolved
}

struct Resolver<'d, 's> {
    sources: &'s Sources,
    budget: &'s Budget,
    sink: &'s mut Sink,
    constraints: Constraints,
    entries: Vec<Entry<'d>>,
    listed: Vec<Listed<'d>>,
    forbids: Vec<Forbid<'d>>,
    /// What is forbidden, by all that it says: the same is one, wherever it was written.
    known_forbids: HashMap<forbid::Key, usize>,
    replacements: Vec<Replacement<'d>>,
    /// Lists of policy-level constraints by their ids, so that roles with alike ones share them, and with them their rules.
    lists: HashMap<Vec<usize>, Arc<Vec<Use<'d>>>>,
}

impl<'d> Resolver<'d, '_> {
    /// Whether nothing more is worth doing: the budget is used up, or there is no room for another error.
    fn is_over(&self) -> bool {
        self.budget.is_exhausted() || self.sink.is_full()
    }

    /// Resolves one role; `None` beyond the budget.
    fn role(
        &mut self,
        doc: &'d RoleDoc,
        parents: &[Parent<'_, 'd>],
        shared: &[Use<'d>],
        shared_env: &Arc<Env<'d>>,
    ) -> Option<(Role<'d>, Arc<Env<'d>>)> {
        let envs: Vec<(Arc<Env<'d>>, Span)> = parents
            .iter()
            .map(|parent| (Arc::clone(parent.env), parent.place))
            .collect();
        let copied = if envs.len() > 1 || !doc.consts.is_empty() || !doc.defines.is_empty() {
            envs.iter().map(|(env, _)| env.weight).sum::<u64>() + shared_env.weight
        } else {
            0
        };
        self.spend(copied * COPY, doc)?;
        let inherited = consts::merge(shared_env, &envs, self.sink);
        let (consts, conditions) = self.inherited_uses(doc, &inherited, parents, shared)?;
        let env = consts::extend(
            inherited,
            &doc.consts,
            |name| consts.get(name).cloned(),
            self.sink,
        );
        let env = definitions::extend(
            env,
            &doc.defines,
            |name| conditions.get(name).cloned(),
            &mut self.constraints,
            (self.budget, self.sources),
            self.sink,
        );

        let own = self.constraints.parse_all(
            &doc.constraints,
            &env,
            false,
            self.budget,
            self.sources,
            self.sink,
        );
        let policy_level = self.union(doc, shared, parents, own)?;
        let (mut tools, mut default) = self.inherited(doc, parents)?;
        for tool in &doc.tools {
            if self.is_over() {
                return None;
            }
            let entry = self.listed(doc, tool, &env);
            if let Some(old) = Arc::make_mut(&mut tools).insert(tool.name.text.as_str(), entry) {
                self.replaced(doc, tool.name.span, true, (old, entry));
            }
        }
        if let Some(tool) = &doc.default_policy {
            let entry = self.listed(doc, tool, &env);
            if let Some(old) = default.replace(entry) {
                self.replaced(doc, tool.name.span, true, (old, entry));
            }
        }
        self.count_patterns(doc, &tools)?;
        let forbids = self.forbids(doc, parents, &env)?;
        Some((
            Role {
                doc,
                policy_level,
                tools,
                default,
                forbids,
            },
            env,
        ))
    }

    /// Refuses a role with more patterns than are tried in order.
    fn count_patterns(&mut self, doc: &RoleDoc, tools: &BTreeMap<&str, usize>) -> Option<()> {
        let patterns = tools.keys().filter(|name| NamePattern::new(name).is_some());
        let count = patterns.count();
        if count <= MAX_PATTERNS {
            return Some(());
        }
        self.sink.push(
            Diagnostic::new(
                "policy-too-large",
                format!("this role has {count} patterns of tool names, and at most {MAX_PATTERNS} are tried"),
                doc.name.span,
                "",
            )
            .with_help("let one pattern stand for tools with the same rules, or list tools by name, of which there may be more"),
        );
        None
    }

    /// What a role forbids: what its parents do, from left to right, then what it writes itself; the same once.
    fn forbids(
        &mut self,
        doc: &'d RoleDoc,
        parents: &[Parent<'_, 'd>],
        env: &Env<'d>,
    ) -> Option<Arc<Vec<usize>>> {
        if let ([Parent { role, .. }], []) = (parents, doc.forbids.as_slice()) {
            return Some(Arc::clone(&role.forbids));
        }
        let inherited = parents.iter().flat_map(|parent| parent.role.forbids.iter());
        let inherited: Vec<usize> = inherited.copied().collect();
        self.spend(inherited.len() as u64, doc)?;
        let own = self.own_forbids(&doc.forbids, Some(doc), env);
        let mut seen = BTreeSet::new();
        let mut all = inherited;
        all.extend(own);
        all.retain(|index| seen.insert(*index));
        self.count_forbids(all.len(), doc.name.span)?;
        Some(Arc::new(all))
    }

    fn count_forbids(&mut self, count: usize, place: Span) -> Option<()> {
        if count <= MAX_FORBIDS {
            return Some(());
        }
        self.sink.push(
            Diagnostic::new(
                "policy-too-large",
                format!(
                    "{count} parts are forbidden here, and at most {MAX_FORBIDS} are looked at"
                ),
                place,
                "",
            )
            .with_help("join conditions on the same tools by `or`"),
        );
        None
    }

    /// What is forbidden where it is written: into the forbids, the same once.
    fn own_forbids(
        &mut self,
        docs: &'d [ForbidDoc],
        role: Option<&'d RoleDoc>,
        env: &Env<'d>,
    ) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::with_capacity(docs.len());
        let mut seen = BTreeSet::new();
        if let Some(first) = docs.first()
            && self.count_forbids(docs.len(), first.span).is_none()
        {
            return found;
        }
        for doc in docs {
            if self.is_over() {
                break;
            }
            let (constraints, repeated) = self.uses(&doc.constraints, env, true);
            if role.is_none() {
                forbid::check_ceiling(
                    &constraints,
                    &self.constraints.written,
                    self.sources,
                    self.sink,
                );
            }
            let Some(parts) = scope::parts(doc, self.budget, self.sources, self.sink) else {
                continue;
            };
            let forbid = Forbid {
                doc,
                role,
                constraints,
                repeated,
                parts,
            };
            let index = match self.known_forbids.entry(forbid::key(&forbid)) {
                MapEntry::Occupied(known) => *known.get(),
                MapEntry::Vacant(free) => {
                    self.forbids.push(forbid);
                    *free.insert(self.forbids.len() - 1)
                }
            };
            if seen.insert(index) {
                found.push(index);
            }
        }
        found
    }

    fn replaced(&mut self, role: &'d RoleDoc, place: Span, own: bool, (old, new): (usize, usize)) {
        self.replacements.push(Replacement {
            role,
            place,
            own,
            old,
            new,
        });
    }

    fn spend(&mut self, amount: u64, role: &RoleDoc) -> Option<()> {
        self.budget
            .pay(Account::Flattened, amount, role.name.span, self.sink)
    }

    /// The constants and the named conditions that inherited constraints and conditions use, each with the first of these: where it stands,
    /// and its text. Only for a role that gives one of them another meaning.
    fn inherited_uses(
        &mut self,
        doc: &RoleDoc,
        inherited: &Env<'_>,
        parents: &[Parent<'_, 'd>],
        shared: &[Use<'d>],
    ) -> Option<(Names, Names)> {
        let redefines = |own: &Const| {
            let before = inherited.literals.get(&own.name.text);
            before
                .zip(own.value.as_ref())
                .is_some_and(|(before, own)| before != own)
        };
        let redefined = |own: &Define| inherited.definitions.get(&own.name.text).is_some();
        if !doc.consts.iter().any(redefines) && !doc.defines.iter().any(redefined) {
            return Some(Default::default());
        }
        let (mut consts, mut conditions) = (Names::new(), Names::new());
        let mut uses: Vec<&Use<'d>> = shared.iter().collect();
        let ceiling = self.forbids.iter().filter(|forbid| forbid.role.is_none());
        uses.extend(ceiling.flat_map(|forbid| &forbid.constraints));
        for Parent { role, .. } in parents {
            let (before, mut rules) = (uses.len(), 0);
            uses.extend(role.policy_level.iter());
            for index in role.tools.values().copied().chain(role.default) {
                let listed = self.listed.get(index).map(|listed| listed.rules.clone());
                let entries = listed.and_then(|rules| self.entries.get(rules));
                for entry in entries.unwrap_or_default() {
                    rules += 1;
                    uses.extend(&entry.constraints);
                }
            }
            for index in role.forbids.iter() {
                rules += 1;
                if let Some(forbid) = self.forbids.get(*index) {
                    uses.extend(&forbid.constraints);
                }
            }
            let looked_at = (uses.len() - before + rules) as u64;
            self.budget
                .pay(Account::Flattened, looked_at, doc.name.span, self.sink)?;
        }
        for constraint in uses {
            let Some(written) = self.constraints.written.get(constraint.id) else {
                continue;
            };
            for (names, found) in [
                (&written.consts, &mut consts),
                (&written.definitions, &mut conditions),
            ] {
                for name in names {
                    if !found.contains_key(name) {
                        found.insert(
                            name.clone(),
                            (constraint.span(), written.constraint.source.clone()),
                        );
                    }
                }
            }
        }
        let (consts_of_conditions, conditions_of_conditions) = definitions::used_by(inherited);
        for (name, place) in consts_of_conditions {
            consts.entry(name).or_insert(place);
        }
        for (name, place) in conditions_of_conditions {
            conditions.entry(name).or_insert(place);
        }
        Some((consts, conditions))
    }

    /// The policy-level constraints: the document's, the parents' from left to right, own; alike ones once.
    fn union(
        &mut self,
        doc: &RoleDoc,
        shared: &[Use<'d>],
        parents: &[Parent<'_, 'd>],
        own: Vec<Use<'d>>,
    ) -> Option<Arc<Vec<Use<'d>>>> {
        let mut seen = BTreeSet::new();
        let mut union = Vec::new();
        let inherited = parents.iter().map(|parent| parent.role.policy_level.len());
        let copied = shared.len() + inherited.sum::<usize>();
        self.spend(copied as u64, doc)?;
        for constraint in shared
            .iter()
            .chain(
                parents
                    .iter()
                    .flat_map(|parent| parent.role.policy_level.iter()),
            )
            .chain(&own)
        {
            if seen.insert(constraint.id) {
                union.push(*constraint);
            }
        }
        let ids = union.iter().map(|constraint| constraint.id).collect();
        Some(Arc::clone(
            self.lists.entry(ids).or_insert_with(|| Arc::new(union)),
        ))
    }

    /// The rules that the parents bring, from left to right.
    fn inherited(&mut self, doc: &'d RoleDoc, parents: &[Parent<'_, 'd>]) -> Option<Rules<'d>> {
        if let [Parent { role, .. }] = parents {
            self.spend(role.tools.len() as u64 + 1, doc)?;
            return Some((Arc::clone(&role.tools), role.default));
        }
        let mut tools: BTreeMap<&'d str, usize> = BTreeMap::new();
        let mut default: Option<usize> = None;
        let own: BTreeSet<&str> = doc
            .tools
            .iter()
            .map(|tool| tool.name.text.as_str())
            .collect();
        for Parent {
            role: parent,
            place,
            ..
        } in parents
        {
            self.spend(parent.tools.len() as u64 + 1, doc)?;
            for (name, new) in parent.tools.iter() {
                // What this role writes itself replaces whatever the parents bring.
                if let Some(old) = tools.insert(name, *new)
                    && old != *new
                    && !own.contains(name)
                {
                    self.replaced(doc, *place, false, (old, *new));
                }
            }
            if let Some(new) = parent.default
                && let Some(old) = default.replace(new)
                && old != new
                && doc.default_policy.is_none()
            {
                self.replaced(doc, *place, false, (old, new));
            }
        }
        Some((Arc::new(tools), default))
    }

    /// Resolves what a role says of a tool where it is written.
    fn listed(&mut self, role: &'d RoleDoc, doc: &'d ToolDoc, env: &Env<'d>) -> usize {
        let first = self.entries.len();
        for rule in &doc.rules {
            self.rule(role, rule, env);
        }
        self.listed.push(Listed {
            doc,
            role,
            rules: first..self.entries.len(),
        });
        self.listed.len() - 1
    }

    fn rule(&mut self, role: &'d RoleDoc, doc: &'d RuleDoc, env: &Env<'d>) {
        let (constraints, repeated) = self.uses(&doc.constraints, env, doc.is_exception());
        let is_default = role.default_policy.as_ref().is_some_and(|default| {
            default
                .rules
                .first()
                .is_some_and(|rule| std::ptr::eq(rule, doc))
        });
        let scope = doc.scope.as_ref().and_then(|written| {
            let subject = if doc.is_exception() {
                Subject::Exception(&doc.name.text)
            } else {
                Subject::Tool(&doc.name.text)
            };
            scope::compile(subject, written, self.budget, self.sources, self.sink)
        });
        self.entries.push(Entry {
            doc,
            is_default,
            role,
            mode: doc.mode.map_or(Mode::Deny, |(mode, _)| mode),
            constraints,
            repeated,
            scope,
        });
    }

    /// Constraints where they are written: alike ones once, and what stands there again. `forbids`: they say what is denied.
    fn uses(&mut self, texts: &'d [Text], env: &Env<'d>, forbids: bool) -> Uses<'d> {
        let uses =
            self.constraints
                .parse_all(texts, env, forbids, self.budget, self.sources, self.sink);
        let mut first: BTreeMap<usize, Span> = BTreeMap::new();
        let mut constraints = Vec::with_capacity(uses.len());
        let mut repeated = Vec::new();
        for constraint in uses {
            match first.get(&constraint.id) {
                Some(span) => repeated.push((constraint, *span)),
                None => {
                    first.insert(constraint.id, constraint.span());
                    constraints.push(constraint);
                }
            }
        }
        (constraints, repeated)
    }
}
