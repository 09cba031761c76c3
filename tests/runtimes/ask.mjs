// `node ask.mjs MODULE`: asks the ES module of a policy what standard input lists, `[{ roles, tool, arguments }]`, and prints what came
// of each.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const { load, PolicyError } = await import(pathToFileURL(resolve(process.argv[2])));
const { decision, description } = await load();

function outcome(request) {
  try {
    return decision.decide(request).tag;
  } catch (error) {
    if (error instanceof PolicyError) return error.payload.tag;
    throw error;
  }
}

const outcomes = JSON.parse(readFileSync(0, "utf8")).map(outcome);
process.stdout.write(JSON.stringify({ outcomes, coverage: description.about().coverage }));
