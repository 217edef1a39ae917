import { createElement as h, useEffect, useRef, useState } from "react";

// What was typed outlives its field, a lost connection and a request that is asked again. It is kept in the memory of this page only:
// whoever signs in next in the same tab finds nothing.
const kept = new Map();
const TELL_AFTER_MS = 300;
const FRAMES = 90;

// A box that is ticked takes no letters: there they count.
const FIELD = "input:not([type=checkbox]),textarea,select,[contenteditable=true]";
const shown = (element) => element.checkVisibility?.() ?? element.offsetParent !== null;

// A field that says what is in it after a short silence; a form takes its text by `name`. With `options` it is a list to choose from.
export function Draft({ of, id, keep, name, label, original, form, kind = "text", options, isLong, isRequired, isAsked, isWrong, first, placeholder, describedBy, onDraft }) {
  const [text, setText] = useState(kept.get(keep) ?? original);
  const latest = useRef(onDraft);
  const silence = useRef();
  latest.current = onDraft;
  useEffect(() => {
    const found = kept.get(keep);
    setText(found ?? original);
    if (found !== undefined) latest.current?.(name, found);
    return () => clearTimeout(silence.current);
  }, [of, keep, name, original]);
  const change = (event) => {
    const value = event.target.value;
    setText(value);
    if (value === original) kept.delete(keep);
    else kept.set(keep, value);
    clearTimeout(silence.current);
    silence.current = setTimeout(() => latest.current?.(name, value), TELL_AFTER_MS);
  };
  // Enter in a line would send its form: nobody decides by leaving a field.
  const stay = (event) => { if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) event.preventDefault(); };
  const told = {
    id, name, form, value: text, onChange: change, required: isRequired, "aria-required": isAsked || undefined, "aria-invalid": isWrong || undefined,
    "aria-label": label || undefined, "aria-describedby": describedBy || undefined, "data-draft": name,
  };
  if (kind === "choice") return h("select", { ...told, className: "inp" }, ...options.map(({ value, word }) => h("option", { key: value, value }, word)));
  return h(isLong ? "textarea" : "input", {
    ...told, className: kind === "json" ? "inp long mono" : isLong ? "inp long" : "inp", onKeyDown: isLong ? undefined : stay, placeholder, type: kind === "date" ? "date" : undefined,
    inputMode: kind === "number" ? "decimal" : undefined, "data-first": first ? "" : undefined, rows: isLong ? Math.min(14, Math.max(3, text.split("\n").length + Math.floor(text.length / 80))) : undefined,
  });
}

// Where keys count: in the box that is open, or on the whole page.
const place = () => [...document.querySelectorAll(":popover-open")].pop() ?? document;
const find = (selector) => [...place().querySelectorAll(selector)].find((one) => shown(one) && !one.disabled);

// The field may come only when the server has answered.
function focusSoon(selector, left = FRAMES) {
  const field = document.querySelector(selector);
  if (field && shown(field)) field.focus();
  else if (left > 0) requestAnimationFrame(() => focusSoon(selector, left - 1));
}

function press(target) {
  if (target.matches(FIELD)) {
    target.focus();
    return;
  }
  target.click();
  // At once: the next letter must land in the field, never count as another decision.
  place().querySelector?.("[data-first]")?.focus();
}

function move(by) {
  const rows = [...document.querySelectorAll("[data-row=request]")];
  const here = rows.findIndex((row) => row.getAttribute("aria-current") === "true");
  const next = rows[Math.min(rows.length - 1, Math.max(0, here + by))];
  next?.click();
  next?.scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const field = event.target.closest?.(FIELD);
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && key === "enter" && field) {
    const target = find("[data-enter]");
    if (target) { event.preventDefault(); press(target); }
    return;
  }
  if (event.ctrlKey || event.metaKey) return;
  if (field) {
    if (key === "escape") field.blur();
    return;
  }
  // A key that is held down moves through the list, but never decides twice.
  if (event.repeat && key !== "j" && key !== "k") return;
  const target = find(`[data-key="${CSS.escape(key)}"]`);
  if (target) { event.preventDefault(); press(target); }
  else if ((key === "j" || key === "k") && place() === document) { event.preventDefault(); move(key === "j" ? 1 : -1); }
}

// Keys of the page: a letter presses the button that carries it in `data-key`, unless somebody is typing.
export function Keys() {
  useEffect(() => {
    const onToggle = (event) => { if (event.newState === "open") event.target.querySelector("[data-first]")?.focus(); };
    const onClick = (event) => {
      const goal = event.target.closest?.("[data-focus]")?.dataset.focus;
      if (goal) focusSoon(goal);
    };
    // What was asked in a box is answered: the page shows what came of it.
    const onSubmit = () => document.querySelectorAll(":popover-open").forEach((box) => box.hidePopover());
    const all = [["keydown", onKey], ["toggle", onToggle], ["click", onClick], ["submit", onSubmit]];
    all.forEach(([name, handle]) => document.addEventListener(name, handle, true));
    return () => all.forEach(([name, handle]) => document.removeEventListener(name, handle, true));
  }, []);
  return null;
}
