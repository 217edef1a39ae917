// What kinds, ports and steps are called on a drawing.

// Palette and kind line of the built-in kinds; a plugin's kind brings its own title.
const KINDS = {
  start: { name: "Start", group: "Start", icon: "play" },
  llm: { name: "Write or answer", group: "AI", icon: "pen-line" },
  classify: { name: "Sort into kinds", group: "AI", icon: "split" },
  agent: { name: "Give to a colleague", group: "AI", icon: "bot" },
  search: { name: "Look something up", group: "Tools", icon: "search" },
  tool: { name: "Use a tool", group: "Tools", icon: "wrench" },
  http: { name: "Call a web address", group: "Tools", icon: "globe" },
  code: { name: "Run a little program", group: "Tools", icon: "code" },
  branch: { name: "If this, then that", group: "Flow", icon: "git-fork" },
  map: { name: "For each in a list", group: "Flow", icon: "repeat" },
  set: { name: "Set values", group: "Flow", icon: "equal" },
  wait: { name: "Wait", group: "Flow", icon: "hourglass" },
  subflow: { name: "Run another workflow", group: "Flow", icon: "workflow" },
  approval: { name: "Ask for approval", group: "People", icon: "user-round-check" },
  form: { name: "Ask to fill in a form", group: "People", icon: "clipboard-list" },
  ask: { name: "Ask a question", group: "People", icon: "message-circle-question-mark" },
  notify: { name: "Send a message", group: "People", icon: "send" },
  remember: { name: "Remember a fact", group: "Memory", icon: "bookmark-plus" },
  recall: { name: "Recall", group: "Memory", icon: "book-open" },
  end: { name: "Done", group: "Finish", icon: "flag" },
  fail: { name: "Stop with an error", group: "Finish", icon: "octagon-x" },
};
export const GROUPS = ["Start", "AI", "Tools", "Flow", "People", "Memory", "Finish"];
const PORTS = {
  else: "Otherwise", unsure: "Not sure", not_good: "Not good enough", error: "If it fails", approved: "Approved", rejected: "Rejected", expired: "No answer",
  submitted: "Submitted", handover: "Handed over", item: "Each item", out: "Next",
};

export function kindWords(name, kind) {
  const own = KINDS[name];
  return {
    name: own?.name ?? kind?.title ?? name,
    group: own?.group ?? kind?.group ?? "Flow",
    icon: own?.icon ?? kind?.icon ?? "box",
    isAi: (own?.group ?? kind?.group) === "AI",
  };
}

// A message that speaks of a kind as documents do, in the word that the palette has for it.
export const kindsNamed = (text) => String(text ?? "").replace(/\b(node|step) of kind `([a-z_]+)`/g, (_, __, name) => `step “${kindWords(name).name}”`);

export function portWord(port, kind) {
  if (kind === "map" && port === "out") return "All done";
  if (kind === "wait" && port === "expired") return "Expired";
  return PORTS[port] ?? sentence(port);
}

export const sentence = (text) => {
  const words = String(text).replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export const titleOf = (node, kind) => node.title?.trim() || kindWords(node.kind, kind).name;

const counted = (number, one, many) => `${number} ${number === 1 ? one : many}`;
const size = (value) => (Array.isArray(value) ? value.length : value && typeof value === "object" ? Object.keys(value).length : 0);

// The second line of a step: what it is, and one fact of its settings.
export function kindLine(node, kind) {
  const config = node.config ?? {}, words = kindWords(node.kind, kind);
  const tell = (fact) => (fact ? `${words.group} · ${fact}` : words.group);
  switch (node.kind) {
    case "start": return tell(startLine(config));
    case "end": return node.config?.outcome === "failure" ? "Finish · as failed" : "Finish";
    case "fail": return "Finish · as failed";
    case "llm": return tell(config.output ? `fills in ${counted(size(config.output?.properties), "field", "fields")}` : "writes text");
    case "classify": return tell(`sorts into ${counted(size(config.labels), "kind", "kinds")}`);
    case "branch": return tell(counted(size(config.cases) + 1, "way on", "ways on"));
    case "set": return tell(counted(size(config.values), "value", "values"));
    case "approval": return tell(approvers(config.approvers ?? {}));
    case "form": return tell(`asks for ${counted(size(config.fields?.properties), "field", "fields")}`);
    case "wait": return tell(waitLine(config));
    case "notify": return tell("sends a message");
    case "http": return tell(webLine(config));
    case "map": return tell("for each item");
    case "agent": return tell(size(config.tools) ? `works with ${counted(size(config.tools), "tool", "tools")}` : "thinks and answers");
    case "tool": return tell(config.tool ? `uses ${sentence(config.tool).toLowerCase()}` : "no tool chosen yet");
    default: return tell(words.name.toLowerCase());
  }
}

function waitLine({ seconds, until, event }) {
  if (event) return `for the event ${event}`;
  if (typeof seconds === "number") return `for ${spell(seconds)}`;
  return until ? "until a time" : "for nothing yet";
}

const DOES = { HEAD: "looks at", POST: "sends to", PUT: "stores at", PATCH: "changes", DELETE: "removes at" };
function webLine({ method, url }) {
  const host = /^https?:\/\/([^/?#@{}]+)/i.exec(String(url ?? "").trim())?.[1];
  return `${DOES[method] ?? "reads"} ${host ?? "a web address"}`;
}

const UNITS = [[86_400, "day", "days"], [3600, "hour", "hours"], [60, "minute", "minutes"], [1, "second", "seconds"]];
function spell(seconds) {
  const [length, one, many] = UNITS.find(([length]) => seconds >= length && seconds % length === 0) ?? UNITS.at(-1);
  return counted(seconds / length, one, many);
}

function startLine(config) {
  const names = Object.keys(config.inputs?.properties ?? {});
  return names.length ? `with ${names.slice(0, 3).map((name) => sentence(name).toLowerCase()).join(", ")}` : "no input";
}

/** Who decides, whole: "ann@example.com or every approver; 2 of them must agree; somebody else than who started it". */
export function deciders({ users = [], roles = [], quorum = 1, four_eyes: isOther = false }) {
  const who = [...users, ...(size(roles) || size(users) ? roles : ["approver"]).map((role) => `every ${role}`)].join(" or ");
  return [who, quorum > 1 ? `${quorum} of them must agree` : "", isOther ? "not whoever started the run or last changed the workflow" : ""].filter(Boolean).join("; ");
}

function approvers({ users, roles, quorum }) {
  if (quorum > 1) return `${quorum} people agree`;
  if (size(users)) return `1 of ${counted(size(users), "person", "people")} decides`;
  return size(roles) === 1 ? `${roles[0]} decides` : "an approver decides";
}
