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
    report.descriptions.push(describe(description));
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
    return { verdict: tag, reason: val.reason, violations: val.violations, hint: val.hint ?? null };
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

function describe(description) {
  const about = description.about();
  return {
    about: {
      coverage: about.coverage,
      source_digest: about.sourceDigest,
      compiler: about.compiler,
      arguments_bytes: about.limits.argumentsBytes,
      facts_bytes: about.limits.factsBytes,
    },
    roles: paged((start) => description.roles(start, 3)).map((name) => ({
      name,
      rules: paged((start) => description.rules(name, start, 3)).map(({ tool, mode, constraints, scope }) => ({
        tool: tool ?? null,
        mode,
        constraints,
        scope: scope ?? null,
      })),
    })),
    scopes: Array.from({ length: about.scopes }, (_, id) => description.scope(id)),
    missing: [description.rules("no such role", 0, 1) ?? null, description.scope(about.scopes) ?? null],
  };
}

function paged(page) {
  const all = [];
  for (;;) {
    const more = page(all.length);
    if (more.length === 0) return all;
    all.push(...more);
  }
}
