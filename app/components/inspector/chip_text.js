// A text with chips in an editable element: what stands in it, where the caret is, and how a chip gets in.

import { partsOf, templateOf } from "./templates.js";

const TRIGGERS = [/\{\{\s*([^{}\n]*)$/, /(?:^|\s)(\/([^\s/]*))$/];

function chip(expression, tell) {
  const span = document.createElement("span");
  const { label, isPlain, isGone } = tell(expression);
  span.className = `val${isPlain ? "" : " is-code"}${isGone ? " is-gone" : ""}`;
  span.contentEditable = "false";
  span.dataset.expression = expression;
  span.title = isGone ? `${expression}: this step is gone` : expression;
  span.textContent = label;
  return span;
}

// An empty last line is only shown when something follows it.
function sentinel() {
  const end = document.createElement("br");
  end.dataset.end = "";
  return end;
}

export function paint(box, template, tell) {
  const parts = partsOf(template).map((part) => ("text" in part ? document.createTextNode(part.text) : chip(part.expression, tell)));
  box.replaceChildren(...parts, sentinel());
}

/** New names on the chips, without moving the caret. */
export function retell(box, tell) {
  for (const span of box.querySelectorAll("[data-expression]")) {
    const fresh = chip(span.dataset.expression, tell);
    if (fresh.textContent !== span.textContent || fresh.className !== span.className) Object.assign(span, { textContent: fresh.textContent, className: fresh.className, title: fresh.title });
  }
}

export function templateIn(box) {
  const parts = [];
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) parts.push({ text: node.nodeValue.replace(/\u00a0/g, " ") });
    else if (node.dataset?.expression !== undefined) parts.push({ expression: node.dataset.expression });
    else if (node.nodeName === "BR") { if (node.dataset.end === undefined) parts.push({ text: "\n" }); } else {
      if (node.nodeName === "DIV" && parts.length) parts.push({ text: "\n" });
      node.childNodes.forEach(walk);
    }
  };
  box.childNodes.forEach(walk);
  return templateOf(parts);
}

export function keepSentinel(box) {
  const end = box.querySelector("br[data-end]");
  if (!end || box.lastChild !== end) { end?.remove(); box.append(sentinel()); }
}

function caretIn(box) {
  const selection = box.ownerDocument.getSelection();
  return selection?.rangeCount && box.contains(selection.anchorNode) ? selection.getRangeAt(0) : null;
}

function caretBehind(node) {
  const range = document.createRange();
  range.setStartAfter(node);
  range.collapse(true);
  const selection = document.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

export function caretAtEnd(box) {
  const last = [...box.childNodes].reverse().find((node) => node.dataset?.end === undefined);
  if (last) caretBehind(last); else { const range = document.createRange(); range.setStart(box, 0); document.getSelection().removeAllRanges(); document.getSelection().addRange(range); }
}

/** What is being looked for at the caret: `{node, start, end, query}` behind `{{` or `/`, else null. */
export function triggerIn(box) {
  const range = caretIn(box);
  if (!range?.collapsed || range.startContainer.nodeType !== Node.TEXT_NODE) return null;
  const node = range.startContainer, end = range.startOffset, before = node.nodeValue.slice(0, end);
  const braces = TRIGGERS[0].exec(before);
  if (braces) return { node, start: braces.index, end, query: braces[1] };
  const slash = TRIGGERS[1].exec(before);
  return slash ? { node, start: end - slash[1].length, end, query: slash[2] } : null;
}

/** Puts a chip in place of what was typed to find it, or at the caret, or at the end. */
export function insertChip(box, expression, tell, trigger) {
  const made = chip(expression, tell);
  let range = null;
  if (trigger && box.contains(trigger.node)) {
    range = document.createRange();
    range.setStart(trigger.node, trigger.start);
    // Whoever types both braces at once gets no second pair.
    const rest = /^\s*\}\}/.exec(trigger.node.nodeValue.slice(trigger.end));
    range.setEnd(trigger.node, Math.min(trigger.node.nodeValue.length, trigger.end + (rest && trigger.node.nodeValue.slice(trigger.start).startsWith("{{") ? rest[0].length : 0)));
  } else range = caretIn(box);
  if (!range) { caretAtEnd(box); range = caretIn(box); }
  range.deleteContents();
  range.insertNode(made);
  caretBehind(made);
}

export function insertText(box, text) {
  const range = caretIn(box);
  if (!range) return;
  range.deleteContents();
  const node = document.createTextNode(text);
  range.insertNode(node);
  caretBehind(node);
}

/** The chip that the caret stands right behind. */
export function chipBefore(box) {
  const range = caretIn(box);
  if (!range?.collapsed) return null;
  const { startContainer: node, startOffset: at } = range;
  const before = node.nodeType === Node.TEXT_NODE ? (at === 0 ? node.previousSibling : null) : node.childNodes[at - 1];
  return before?.dataset?.expression === undefined ? null : before;
}

/** A chip becomes what is written behind it, with the caret inside. */
export function openChip(chip) {
  const text = document.createTextNode(`{{ ${chip.dataset.expression} }}`), range = document.createRange();
  chip.replaceWith(text);
  range.setStart(text, text.nodeValue.length - 3);
  document.getSelection().removeAllRanges();
  document.getSelection().addRange(range);
}

// Whether the caret stands between two braces and their partners: what is written there is not finished.
function isInside(text, at) {
  const before = text.slice(0, at);
  return before.lastIndexOf("{{") > before.lastIndexOf("}}");
}

/** Typed or pasted `{{ … }}` becomes a chip, where it stands, unless somebody is writing in it. True when one did. */
export function chipWhole(box, tell, isLeaving = false) {
  let isChanged = false;
  for (const node of [...box.childNodes]) {
    if (node.nodeType !== Node.TEXT_NODE || !node.nodeValue.includes("}}")) continue;
    const parts = partsOf(node.nodeValue);
    if (!parts.some((part) => part.expression)) continue;
    const fresh = parts.map((part) => ("text" in part ? document.createTextNode(part.text) : chip(part.expression, tell)));
    const range = caretIn(box), isHere = range?.startContainer === node;
    if (isHere && !isLeaving && isInside(node.nodeValue, range.startOffset)) continue;
    node.replaceWith(...fresh);
    if (isHere && !isLeaving) caretBehind(fresh.findLast((made) => made.dataset) ?? fresh.at(-1));
    isChanged = true;
  }
  return isChanged;
}

/** Puts the caret where something is dropped. */
export function caretAtPoint(box, x, y) {
  const place = document.caretPositionFromPoint?.(x, y);
  const range = place ? document.createRange() : document.caretRangeFromPoint?.(x, y);
  if (place) range.setStart(place.offsetNode, place.offset);
  if (!range || !box.contains(range.startContainer)) { caretAtEnd(box); return; }
  const inChip = (range.startContainer.nodeType === Node.TEXT_NODE ? range.startContainer.parentElement : range.startContainer).closest?.("[data-expression]");
  if (inChip) { caretBehind(inChip); return; }
  range.collapse(true);
  document.getSelection().removeAllRanges();
  document.getSelection().addRange(range);
}
