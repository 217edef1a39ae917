// What the engine says, in the words of the pages: step for node, connection for edge, way for port, and a way by the label that it has on the drawing.
import { portsOf } from "./shape.js";
import { kindsNamed, portWord } from "./words.js";

const WAYS = new Set(["unsure", "else", "error", "expired", "handover"]);
const NAMED = /`([^`]*)`/;

/** A message in pieces: `{text}`, `{way}` (the label of a way on) or `{name}` (as it is written in documents). `node` is the step that it is about. */
export function pieces(text, node) {
  const own = new Map(node ? portsOf(node).map((port) => [port.id, port.name]) : []);
  const parts = kindsNamed(text).replace(/(“[^”]+”) \([a-z][a-z0-9_]*\)/g, "$1").split(NAMED);
  return parts.map((part, index) => {
    if (index % 2 === 0) return { text: ours(part) };
    const isWay = /\bport $/.test(parts[index - 1]);
    if (isWay || WAYS.has(part) || (own.has(part) && part !== "out" && part !== "item")) return { way: own.get(part) ?? portWord(part, node?.kind) };
    return { name: part };
  }).filter((piece) => piece.text !== "");
}

const ours = (text) => text.replace(/\bnode(s?)\b/g, "step$1").replace(/\bNode(s?)\b/g, "Step$1").replace(/\ban edge\b/g, "a connection").replace(/\bedge(s?)\b/g, "connection$1").replace(/\bport(s?)\b/g, "way$1");

/** The same as one text. */
export const plainly = (text, node) => pieces(text, node).map((piece) => piece.text ?? `“${piece.way ?? piece.name}”`).join("");
