// Where the expressions of a template stand: text and values, one after the other.

const PAIRS = { ")": "(", "]": "[", "}": "{" };

function endOfText(source, start) {
  const quote = source[start], mark = source.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  for (let index = start + mark.length; index < source.length; index += 1) {
    if (source[index] === "\\") index += 1;
    else if (source.startsWith(mark, index)) return index + mark.length;
    else if (mark.length === 1 && /[\r\n]/.test(source[index])) return null;
  }
  return null;
}

function endOfPlaceholder(source, start) {
  let opened = [];
  for (let index = start; index < source.length; index += 1) {
    const character = source[index];
    if (character === '"' || character === "'") {
      const end = endOfText(source, index);
      if (end === null) return null;
      index = end - 1;
    } else if (character === "#") return null;
    else if ("([{".includes(character)) opened.push(character);
    else if (character === "}" && source.startsWith("}}", index) && !opened.includes("{")) return index;
    else if (character in PAIRS) opened = opened.slice(0, -1);
  }
  return null;
}

/** `[{text} | {expression}]`; what is no whole placeholder stays text. */
export function partsOf(source) {
  const parts = [];
  let index = 0;
  while (index < source.length) {
    const opening = source.indexOf("{{", index);
    const end = opening < 0 ? null : endOfPlaceholder(source, opening + 2);
    if (end === null) break;
    if (opening > index) parts.push({ text: source.slice(index, opening) });
    parts.push({ expression: source.slice(opening + 2, end).trim() });
    index = end + 2;
  }
  if (index < source.length) parts.push({ text: source.slice(index) });
  return parts;
}

/** The template of these parts. */
export function templateOf(parts) {
  return parts.map((part) => ("text" in part ? part.text : `{{ ${part.expression} }}`)).join("");
}
