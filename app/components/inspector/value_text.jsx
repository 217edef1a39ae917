// A text with values in it: words are typed, values are picked with `/` or `{{`, or dropped in.

import { useCallback, useEffect, useId, useRef, useState } from "react";
import { caretAtEnd, caretAtPoint, chipBefore, chipWhole, insertChip, insertText, keepSentinel, openChip, paint, retell, templateIn, triggerIn } from "./chip_text.js";
import { COMMIT_AFTER_MS, useChip, useDesk } from "./desk.jsx";
import { isHandedOver, isTyped } from "./pending.js";
import { listKey, useChoices, ValueList } from "./picker.jsx";

export const DRAGGED = "application/x-signalbox-value";

export function ValueText({ value, commit, label, isLine, placeholder, describedBy, isInvalid, testId }) {
  const box = useRef(null), id = useId(), tell = useChip(), desk = useDesk();
  const [trigger, setTrigger] = useState(null), [active, setActive] = useState(0), [isOver, setOver] = useState(false);
  const kept = useRef({ committed: value, timer: 0, past: [] });
  kept.current.commit = commit;
  const choices = useChoices(trigger?.query ?? "", Boolean(trigger));
  const { readOnly } = desk;

  useEffect(() => {
    if (box.current.dataset.painted && value === kept.current.committed) { retell(box.current, tell); return; }
    clearTimeout(kept.current.timer);
    Object.assign(kept.current, { committed: value, latest: undefined });
    paint(box.current, value, tell);
    box.current.dataset.painted = "yes";
    if (document.activeElement === box.current) caretAtEnd(box.current);
  }, [value, tell]);

  const flush = useCallback(() => {
    clearTimeout(kept.current.timer);
    isHandedOver(flush);
    const latest = kept.current.latest;
    if (latest === undefined || latest === kept.current.committed) return;
    kept.current.committed = latest;
    kept.current.commit(latest);
  }, []);
  useEffect(() => flush, [flush]);

  const changed = () => {
    keepSentinel(box.current);
    chipWhole(box.current, tell);
    const now = templateIn(box.current);
    kept.current.past.push(kept.current.latest ?? kept.current.committed);
    kept.current.latest = now;
    isTyped(flush);
    box.current.dataset.empty = String(now === "");
    clearTimeout(kept.current.timer);
    kept.current.timer = setTimeout(flush, COMMIT_AFTER_MS);
    look();
  };
  const look = () => { const found = triggerIn(box.current); setTrigger(found); setActive(0); };
  const insert = (expression, where = null) => { insertChip(box.current, expression, tell, where); setTrigger(null); changed(); setTrigger(null); };
  const pick = (choice) => insert(choice.expression, trigger);

  useEffect(() => desk.offer(id, (expression) => { box.current.focus(); caretAtEnd(box.current); insert(expression); }), [desk.offer, tell]);

  const undo = () => {
    const before = kept.current.past.pop();
    if (before === undefined) return false;
    paint(box.current, before, tell);
    caretAtEnd(box.current);
    kept.current.latest = before;
    isTyped(flush);
    clearTimeout(kept.current.timer);
    kept.current.timer = setTimeout(flush, COMMIT_AFTER_MS);
    return true;
  };
  const keyDown = (event) => {
    if (trigger && listKey(event, { choices, active, setActive, pick, close: () => setTrigger(null) })) return;
    const behind = event.key === "F2" && chipBefore(box.current);
    if (behind) { event.preventDefault(); open(behind); } else if (event.key === "Enter") {
      event.preventDefault();
      if (isLine) flush(); else { insertText(box.current, "\n"); changed(); }
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.shiftKey && undo()) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  // A chip that is more than a value can be mended as it is written; it closes again when the caret leaves it.
  const open = (chip) => { if (!readOnly) { openChip(chip); setTrigger(null); } };
  const leave = () => { setTrigger(null); if (box.current.textContent.includes("}}")) { chipWhole(box.current, tell, true); kept.current.latest = templateIn(box.current); } flush(); };
  const drop = (event) => {
    const expression = event.dataTransfer.getData(DRAGGED);
    setOver(false);
    if (!expression || readOnly) return;
    event.preventDefault();
    box.current.focus();
    caretAtPoint(box.current, event.clientX, event.clientY);
    insert(expression);
  };
  const paste = (event) => {
    event.preventDefault();
    const text = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n");
    insertText(box.current, isLine ? text.replace(/\n+/g, " ") : text);
    changed();
  };
  const isOpen = Boolean(trigger) && (choices.length > 0 || trigger.query !== "");
  return (
    <div className="ins-at">
      <div ref={box} id={id} className={`ins-ta${isLine ? " is-one" : ""}${isInvalid ? " is-bad" : ""}${isOver ? " is-over" : ""}`} contentEditable={!readOnly} suppressContentEditableWarning
        role="textbox" aria-multiline={!isLine} aria-label={label} aria-describedby={describedBy} aria-invalid={isInvalid || undefined} aria-readonly={readOnly || undefined} aria-autocomplete="list"
        aria-haspopup="listbox" aria-controls={isOpen ? `${id}l` : undefined} aria-activedescendant={isOpen && choices.length ? `${id}l-${active}` : undefined}
        tabIndex={0} spellCheck data-empty={String(!value)} data-placeholder={placeholder ?? ""} data-testid={testId}
        onInput={() => changed()} onKeyDown={keyDown} onPaste={paste} onFocus={() => desk.focused(id)} onBlur={leave} onDoubleClick={(event) => { const chip = event.target.closest("[data-expression]"); if (chip) open(chip); }}
        onKeyUp={(event) => { if (event.key.startsWith("Arrow") && !trigger) look(); }}
        onDragOver={(event) => { if (event.dataTransfer.types.includes(DRAGGED)) { event.preventDefault(); setOver(true); } }} onDragLeave={() => setOver(false)} onDrop={drop} />
      {isOpen ? <ValueList id={`${id}l`} choices={choices} active={active} pick={pick} query={trigger.query} /> : null}
    </div>
  );
}
