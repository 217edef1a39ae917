// Which tools of a description are kept, and under which names.

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** A line for each tool that was read; what is new is chosen. `kinds`: the kinds of the tools that there are, by name. */
export const linesOf = (tools, kinds) => tools.map((tool) => ({ tool, name: tool.name, isOn: !(tool.name in kinds), replaces: false, failed: "" }));

/** Why a line cannot be kept as it is; "" where it can. */
export function hindrance(line, lines, kinds) {
  if (!NAME.test(line.name)) return "A name starts with a letter and has letters, digits, _ and - only.";
  if (lines.some((other) => other !== line && other.isOn && other.name === line.name)) return `Another one that is chosen is called ${line.name} too.`;
  const kind = kinds[line.name];
  if (!kind || (kind === "web" && line.replaces)) return "";
  return kind === "web" ? `There is a tool called ${line.name} already: give this one another name, or replace that one.` : `${line.name} is the name of a tool that is not made here. Give this one another name.`;
}

/** The definition that the API takes. */
export function definitionOf({ tool }) {
  const { name: _, ...definition } = tool;
  return definition;
}
