// The first step of a workflow, and what starts it.
const TRIGGERS = {
  message: (state) => ({ kind: "webhook", path: state.slug }),
  schedule: () => ({ kind: "schedule", cron: "0 7 * * 1-5", timezone: Intl.DateTimeFormat().resolvedOptions().timeZone, inputs: {} }),
  button: () => ({ kind: "manual" }),
};
const TITLES = { message: "Something arrives", schedule: "On a schedule", button: "Started by hand" };

export function make(name, state) {
  const node = { id: "start", kind: "start", title: TITLES[name], config: { inputs: { type: "object", properties: {} } }, position: { x: 0, y: 0 } };
  const trigger = TRIGGERS[name](state);
  const known = state.document.triggers ?? [];
  const ops = [{ op: "add", target: "node", id: "start", value: node }];
  if (!known.some((one) => one?.kind === trigger.kind)) ops.push({ op: "update", target: "document", value: { triggers: [...known, trigger] } });
  return { ops, select: "start" };
}
