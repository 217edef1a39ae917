// Reads the part of the expression language that a table of rules can show; null for everything else, so that nothing is ever lost.

export const ROOTS = new Set(["inputs", "nodes", "item", "index", "visit", "run", "vars", "now", "arguments", "results", "said"]);
const WORDS = { true: true, True: true, false: false, False: false, null: null, None: null };
const LONGEST = 2000;
const DEEPEST = 20;
const SPACE = /[ \t\r\n]+/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
// A number must end where it ends: 0x10, 1_000 and 1.5.2 are other things.
const NUMBER = /(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.])/y;
const SIGN = /==|!=|<=|>=|[<>()[\],.{}:-]/y;
const ESCAPES = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "\\": "\\", '"': '"', "'": "'" };

class Unreadable extends Error {}

const refuse = () => { throw new Unreadable(); };

function textAt(source, start) {
  const quote = source[start];
  let value = "", index = start + 1;
  for (;;) {
    const character = source[index];
    if (character === undefined || character === "\n" || character === "\r") refuse();
    if (character === quote) return [value, index + 1];
    if (character !== "\\") { value += character; index += 1; continue; }
    const next = source[index + 1];
    if (next === "u") {
      const digits = source.slice(index + 2, index + 6);
      // Half characters are joined by JavaScript and not by the engine.
      if (!/^[0-9a-fA-F]{4}$/.test(digits) || /^d[89a-f]/i.test(digits)) refuse();
      value += String.fromCharCode(parseInt(digits, 16));
      index += 6;
    } else if (next in ESCAPES) {
      value += ESCAPES[next];
      index += 2;
    } else refuse();
  }
}

function tokensOf(source) {
  const found = [];
  let index = 0;
  const take = (pattern) => {
    pattern.lastIndex = index;
    const match = pattern.exec(source);
    if (match) index += match[0].length;
    return match && match[0];
  };
  while (index < source.length) {
    if (take(SPACE)) continue;
    const character = source[index];
    let text;
    if (character === '"' || character === "'") {
      const [value, end] = textAt(source, index);
      // Two texts side by side are one text to the engine; a letter before a quote changes what the text means.
      if (found.length && ["text", "name"].includes(found.at(-1).type) && !isWord(found.at(-1))) refuse();
      found.push({ type: "text", value });
      index = end;
    } else if ((text = take(NUMBER))) found.push({ type: "number", text });
    else if ((text = take(NAME))) {
      if (source[index] === '"' || source[index] === "'") { if (!isOperator(text)) refuse(); }
      found.push({ type: "name", text });
    } else if ((text = take(SIGN))) found.push({ type: "sign", text });
    else refuse();
  }
  return found;
}

const isOperator = (text) => ["and", "or", "not", "in"].includes(text);
const isWord = (token) => token.type === "name" && isOperator(token.text);

class Reader {
  constructor(tokens) { this.tokens = tokens; this.index = 0; this.depth = 0; }
  sign(text) { return this.is("sign", text) && ((this.index += 1), true); }
  word(text) { return this.is("name", text) && ((this.index += 1), true); }
  is(type, text, ahead = 0) { const token = this.tokens[this.index + ahead]; return token?.type === type && token.text === text; }
  next() { return this.tokens[this.index++] ?? refuse(); }

  any() {
    const parts = [this.all()];
    while (this.word("or")) parts.push(this.all());
    return parts.length > 1 ? { any: parts } : parts[0];
  }

  all() {
    const parts = [this.no()];
    while (this.word("and")) parts.push(this.no());
    return parts.length > 1 ? { all: parts } : parts[0];
  }

  no() {
    if (!this.word("not")) return this.comparison();
    if ((this.depth += 1) > DEEPEST) refuse();
    const no = this.no();
    this.depth -= 1;
    return { no };
  }

  comparison() {
    const left = this.operand();
    const sign = this.comparing();
    if (!sign) return left;
    const right = this.operand();
    // `1 < a < 3` compares twice: no row of a table says so.
    if (this.comparing()) refuse();
    return { sign, left, right };
  }

  comparing() {
    for (const sign of ["==", "!=", "<=", ">=", "<", ">"]) if (this.sign(sign)) return sign;
    if (this.is("name", "not") && this.is("name", "in", 1)) { this.index += 2; return "not in"; }
    return this.word("in") ? "in" : null;
  }

  operand() {
    if ((this.depth += 1) > DEEPEST) refuse();
    const read = this.sign("(") ? this.inBrackets() : this.value();
    this.depth -= 1;
    return read;
  }

  inBrackets() {
    const read = this.any();
    if (!this.sign(")")) refuse();
    if (this.is("sign", ".") || this.is("sign", "[")) refuse();
    return read;
  }

  value() {
    const token = this.next();
    if (token.type === "text") { this.end(); return { value: token.value }; }
    if (token.type === "number") { this.end(); return { value: numberOf(token.text) }; }
    if (token.type === "sign") {
      if (token.text === "-" && this.tokens[this.index]?.type === "number") { const value = -numberOf(this.next().text); this.end(); return { value }; }
      if (token.text === "[") return { value: this.list() };
      if (token.text === "{" && this.sign("}")) { this.end(); return { value: {} }; }
      return refuse();
    }
    if (token.text in WORDS) { this.end(); return { value: WORDS[token.text] }; }
    if (isOperator(token.text)) refuse();
    return this.sign("(") ? this.call(token.text) : { path: this.path(token.text) };
  }

  end() { if (this.is("sign", ".") || this.is("sign", "[") || this.is("sign", "(")) refuse(); }

  list() {
    const items = [];
    while (!this.sign("]")) {
      if (items.length && !this.sign(",")) refuse();
      if (items.length && this.sign("]")) break;
      const item = this.operand();
      if (!("value" in item)) refuse();
      items.push(item.value);
    }
    this.end();
    return items;
  }

  call(name) {
    const given = [];
    while (!this.sign(")")) {
      if (given.length && !this.sign(",")) refuse();
      if (given.length && this.sign(")")) break;
      given.push(this.any());
    }
    this.end();
    return { call: name, given };
  }

  path(root) {
    if (!ROOTS.has(root)) refuse();
    const path = [root];
    for (;;) {
      if (this.sign(".")) {
        const key = this.next();
        if (key.type !== "name") refuse();
        path.push(key.text);
      } else if (this.sign("[")) {
        const minus = this.sign("-"), key = this.next();
        if (key.type === "text" && !minus) path.push(key.value);
        else if (key.type === "number" && /^[0-9]{1,9}$/.test(key.text)) path.push(minus ? -Number(key.text) : Number(key.text));
        else refuse();
        if (!this.sign("]")) refuse();
      } else if (this.is("sign", "(")) refuse();
      else return path;
    }
  }
}

function numberOf(text) {
  const value = Number(text);
  // A whole number that JavaScript would round is kept as text.
  if (!Number.isFinite(value) || (/^[0-9]+$/.test(text) && !Number.isSafeInteger(value)) || (value === 0 && /[1-9]/.test(text))) refuse();
  return value;
}

/** `{any|all: [node]}`, `{no: node}`, `{sign, left, right}`, `{call, given}`, `{path: [root, key…]}` or `{value}`; null if it is anything else. */
export function read(source) {
  if (typeof source !== "string" || source.length > LONGEST) return null;
  try {
    const reader = new Reader(tokensOf(source));
    const node = reader.any();
    return reader.index === reader.tokens.length ? node : null;
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

/** The path of an expression that is nothing but a value of the workflow, else null. */
export function pathOf(source) {
  return read(source)?.path ?? null;
}

const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `["nodes", "draft", "my key", 0]` as the language spells it. */
export function spelled(path) {
  return path.map((key, i) => (i === 0 ? key : typeof key === "number" ? `[${key}]` : PLAIN.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`)).join("");
}

/** A JSON value as the language spells it. */
export function literal(value) {
  return Array.isArray(value) ? `[${value.map(literal).join(", ")}]` : JSON.stringify(value);
}
