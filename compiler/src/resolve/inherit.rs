//! Role by role, parents first: what each inherits, adds and replaces.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Entry, Replacement, Resolved, Role, Use,
    constraints::Constraints,
    consts::{self, Env},
    order, scope,
};
use crate::{
    budget::{Account, Budget},
    diagnostic::{Diagnostic, Sink},
    document::{Const, Document, Layout, RoleDoc, ToolDoc},
    model::Mode,
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
        replacements: Vec::new(),
        lists: HashMap::new(),
    };
    let order = order::order(document, budget, resolver.sink);
    let shared_env = Env::shared(&document.consts);
    let shared = resolver.constraints.parse_all(
        &document.constraints,
        &shared_env,
        budget,
        sources,
        resolver.sink,
    );
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
        replacements,
        ..
    } = resolver;
    let used = &constraints.used_consts;
    let all = document
        .consts
        .iter()
        .chain(document.roles.iter().flat_map(|role| &role.consts));
    let unused_consts = all
        .map(|constant| &constant.name)
        .filter(|name| !used.contains(&name.span))
        .collect();
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
    Resolved {
        document,
        by_name,
        constraints: constraints.written,
        entries,
        shared,
        roles: roles.into_iter().map(|(_, role)| role).collect(),
        replacements,
        unused_consts,
    }
}

struct Resolver<'d, 's> {
    sources: &'s Sources,
    budget: &'s Budget,
    sink: &'s mut Sink,
    constraints: Constraints,
    entries: Vec<Entry<'d>>,
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
        let copied = if envs.len() > 1 || !doc.consts.is_empty() {
            envs.iter().map(|(env, _)| env.weight).sum::<u64>() + shared_env.weight
        } else {
            0
        };
        self.spend(copied * COPY, doc)?;
        let inherited = consts::merge(shared_env, &envs, self.sink);
        let used = self.inherited_uses(doc, &inherited, parents, shared)?;
        let env = consts::extend(
            inherited,
            &doc.consts,
            |name| used.get(name).copied(),
            &self.constraints.written,
            self.sink,
        );
        drop(used);

        let own = self.constraints.parse_all(
            &doc.constraints,
            &env,
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
            let entry = self.entry(doc, tool, &env);
            if let Some(old) = Arc::make_mut(&mut tools).insert(tool.name.text.as_str(), entry) {
                self.replaced(doc, tool.name.span, true, (old, entry));
            }
        }
        if let Some(tool) = &doc.default_policy {
            let entry = self.entry(doc, tool, &env);
            if let Some(old) = default.replace(entry) {
                self.replaced(doc, tool.name.span, true, (old, entry));
            }
        }
        Some((
            Role {
                doc,
                policy_level,
                tools,
                default,
            },
            env,
        ))
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

    /// The constants that inherited constraints use, each with the first of these: where it stands, and which. Only for a role that gives
    /// a constant another value.
    fn inherited_uses(
        &mut self,
        doc: &RoleDoc,
        inherited: &Env<'_>,
        parents: &[Parent<'_, 'd>],
        shared: &[Use<'d>],
    ) -> Option<BTreeMap<String, (Span, usize)>> {
        let mut used = BTreeMap::new();
        let redefines = |own: &Const| {
            let before = inherited.literals.get(&own.name.text);
            before
                .zip(own.value.as_ref())
                .is_some_and(|(before, own)| before != own)
        };
        if !doc.consts.iter().any(redefines) {
            return Some(used);
        }
        let mut uses: Vec<&Use<'d>> = shared.iter().collect();
        for Parent { role, .. } in parents {
            let (before, mut rules) = (uses.len(), 0);
            uses.extend(role.policy_level.iter());
            for index in role.tools.values().copied().chain(role.default) {
                rules += 1;
                if let Some(entry) = self.entries.get(index) {
                    uses.extend(&entry.constraints);
                }
            }
            let looked_at = (uses.len() - before + rules) as u64;
            self.budget
                .pay(Account::Flattened, looked_at, doc.name.span, self.sink)?;
        }
        for constraint in uses {
            let consts = self.constraints.written.get(constraint.id);
            for name in consts.into_iter().flat_map(|written| &written.consts) {
                if !used.contains_key(name) {
                    used.insert(name.clone(), (constraint.span(), constraint.id));
                }
            }
        }
        Some(used)
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

    /// Resolves a rule where it is written.
    fn entry(&mut self, role: &'d RoleDoc, doc: &'d ToolDoc, env: &Env<'_>) -> usize {
        let uses =
            self.constraints
                .parse_all(&doc.constraints, env, self.budget, self.sources, self.sink);
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
        let scope = doc
            .scope
            .as_ref()
            .and_then(|written| scope::compile(doc, written, self.budget, self.sources, self.sink));
        let index = self.entries.len();
        self.entries.push(Entry {
            doc,
            is_default: role
                .default_policy
                .as_ref()
                .is_some_and(|default| std::ptr::eq(default, doc)),
            role,
            mode: doc.mode.map_or(Mode::Deny, |(mode, _)| mode),
            constraints,
            repeated,
            scope,
        });
        index
    }
}
