// What every JavaScript runtime does with the cases: each decided, each policy described, in the form that all runtimes report in.
// Asks for no module, so that it runs wherever JavaScript does.

/** `start`: from a policy's number to `{ decision, description }`, once for each of `count`: a platform has room for some hundred
 * instances at a time. `cases`: as in `cases.json`. */
export async function decideAll(count, start, cases) {
  const report = { answers: new Array(cases.length), descriptions: [] };
  for (let number = 0; number < count; number++) {
    const { decision, description } = await start(number);
    cases.forEach(({ policy, ...request }, index) => {
      if (policy === number) report.answers[index] = answer(decision, request);
    });
    report.descriptions.push(describe(description, decision.covers));
  }
  return report;
}

function answer(decision, { facts, ...request }) {
  let verdict;
  try {
    verdict = decision.decide(facts === null ? request : { ...request, facts });
  } catch (error) {
    return failure(error);
  }
  const { tag, val } = verdict;
  if (tag === "deny") {
    return { verdict: tag, reason: val.reason, violations: val.violations, hint: val.hint ?? null, message: val.message ?? null };
  }
  if (tag === "needs-approval") {
    const { grant, terms, message } = val;
    return { verdict: tag, role: grant.role ?? null, scope: grant.scope ?? null, terms: terms ?? null, message: message ?? null };
  }
  return { verdict: tag, role: val.role ?? null, scope: val.scope ?? null };
}

function failure(error) {
  const { tag, val } = error.payload ?? { tag: "thrown", val: String(error.stack ?? error) };
  switch (tag) {
    case "malformed":
      return { error: tag, ...val };
    case "exceeded":
      return { error: tag, limit: val.limit, allowed: Number(val.allowed) };
    default:
      return { error: tag, reason: val };
  }
}

// The paths that each scope is asked about, and one scope that is not there.
const PROBES = ["docs/a.md", ".env", "src/.env.example", "C:/x", "a/../b", "größe", ""];

function describe(description, covers) {
  const about = description.about();
  return {
    about: {
      coverage: about.coverage,
      source_digest: about.sourceDigest,
      compiler: about.compiler,
      arguments_bytes: about.limits.argumentsBytes,
      facts_bytes: about.limits.factsBytes,
      facts: about.facts,
      description: about.description ?? null,
    },
    roles: paged((start) => description.roles(start, 3)).map((role) => ({
      name: role.name,
      description: role.description ?? null,
      rules: paged((start) => description.rules(role.name, start, 3)).map((rule) => ({
        tools: [rule.tools.tag, rule.tools.val ?? null],
        mode: rule.mode,
        constraints: rule.constraints,
        scope: rule.scope ?? null,
        terms: rule.terms ?? null,
        message: rule.message ?? null,
        description: rule.description ?? null,
      })),
      forbids: forbids(description, role.name),
    })),
    forbids: forbids(description, undefined),
    scopes: Array.from({ length: about.scopes }, (_, id) => description.scope(id)),
    terms: Array.from({ length: about.terms }, (_, id) => {
      const { roles, expires, approvers, reasonRequired } = description.terms(id);
      return { roles, expires: expires ?? null, approvers: approvers ?? null, reason_required: reasonRequired ?? null };
    }),
    covers: Array.from({ length: about.scopes + 1 }, (_, id) => PROBES.map((path) => covers(id, path))).flat(),
    missing: [
      description.rules("no such role", 0, 1) ?? null,
      description.forbids("no such role", 0, 1) ?? null,
      description.scope(about.scopes) ?? null,
      description.terms(about.terms) ?? null,
    ],
  };
}

function forbids(description, role) {
  return paged((start) => description.forbids(role, start, 3)).map((forbid) => ({
    tools: forbid.tools,
    constraints: forbid.constraints,
    scope: forbid.scope ?? null,
    message: forbid.message ?? null,
    description: forbid.description ?? null,
  }));
}

function paged(page) {
  const all = [];
  for (;;) {
    const more = page(all.length);
    if (more.length === 0) return all;
    all.push(...more);
  }
}
