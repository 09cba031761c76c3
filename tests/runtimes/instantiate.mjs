// One way to a policy, whichever glue speaks to it.

/** `glue`: a module that hexgate-compile wrote, or one of jco's; `core`: the compiled core module. */
export async function instantiate(glue, core) {
  return glue.load === undefined ? await glue.instantiate(async () => core, {}) : glue.instantiate(core);
}
