// One expression: a value is picked from a list, and whoever knows the language writes it.

import { useEffect, useId, useRef, useState } from "react";
import { useChip, useDesk, useDraft } from "./desk.jsx";
import { typeIcon } from "./icons.js";
import { listKey, useChoices, ValueList } from "./picker.jsx";
import { literal, read } from "./reading.js";
import { DRAGGED } from "./value_text.jsx";

const WORD = /(?:\{\{\s*|\/)?[\p{L}_][\p{L}\p{N}_ .›]*$|(?:\{\{|\/)\s*$/u;

// While somebody looks for a value by its name, that name is no expression yet.
const isWritten = (text) => !text.trim() || read(text) !== null || /["'()[\]{}<>=!+*%]/.test(text);

export function ExpressionField({ value, commit, label, placeholder, isInvalid, describedBy, testId, isCode, mayBeEmpty = false }) {
  const desk = useDesk(), tell = useChip(), id = useId(), input = useRef(null);
  const [draft, change, flush] = useDraft(value, commit, isWritten);
  const [isHere, setHere] = useState(false), [isOpen, setOpen] = useState(false), [active, setActive] = useState(-1);
  const word = WORD.exec(draft)?.[0] ?? "";
  // What is already a whole value is no search: then the list shows everything, to pick another one.
  const isWhole = Boolean(draft.trim()) && draft === value;
  const query = isWhole ? "" : word.replace(/^(\{\{|\/)/, "").trim();
  const choices = useChoices(query, isOpen);
  const told = draft.trim() ? tell(draft.trim()) : null;
  const showsChip = !isHere && told?.isPlain && !isCode;
  const set = (text) => { change(text); setActive(WORD.test(text) ? 0 : -1); };
  const settle = (text) => { change(text); flush(); setOpen(false); };
  const pick = (choice) => {
    if (choice.isText) { settle(literal(draft.trim())); return; }
    settle(isWhole || !draft.trim() ? choice.expression : draft.slice(0, draft.length - word.length) + choice.expression);
    input.current?.focus();
  };
  useEffect(() => desk.offer(id, (expression) => { settle(expression); input.current?.focus(); }), [desk.offer, value]);
  const offersText = isOpen && draft.trim() && !read(draft) && !/["'()[\]{}<>=!+*%]|\b(and|or|not|in|if)\b/.test(draft);
  const hasList = Boolean(isOpen && (choices.length > 0 || offersText));
  const all = offersText ? [...choices, { isText: true, expression: "text" }] : choices;
  // An empty field, or a name that is being looked for: Enter takes the first that fits.
  const isSettled = isWhole || (draft.trim() ? isWritten(draft) : mayBeEmpty || value !== "");
  const keyDown = (event) => {
    if (isOpen && event.key !== "Tab" && listKey(event, { choices: all, active, setActive, pick, isSettled, close: () => setOpen(false) })) return;
    if (event.key === "Enter") { event.preventDefault(); settle(draft); }
    if (event.key === "ArrowDown" && !isOpen) { event.preventDefault(); setOpen(true); }
  };
  const drop = (event) => {
    const expression = event.dataTransfer.getData(DRAGGED);
    if (!expression || desk.readOnly) return;
    event.preventDefault();
    settle(expression);
  };
  const Icon = typeIcon("any");
  return (
    <div className="ins-at">
      <div className={`inp ins-ex${isInvalid ? " is-bad" : ""}`}>
        <input ref={input} id={id} value={draft} readOnly={desk.readOnly} className={showsChip ? "is-under" : ""} role="combobox" aria-expanded={hasList} aria-controls={hasList ? `${id}l` : undefined} aria-autocomplete="list"
          aria-activedescendant={isOpen && active >= 0 && all.length ? `${id}l-${active}` : undefined} aria-label={label} aria-invalid={isInvalid || undefined} aria-describedby={describedBy} placeholder={placeholder ?? "Pick a value, or write"}
          spellCheck={false} autoComplete="off" data-testid={testId}
          onChange={(event) => { set(event.target.value.replace(/^\s*\{\{\s*|\s*\}\}\s*$/g, "")); setOpen(true); }} onKeyDown={keyDown}
          onFocus={() => { setHere(true); desk.focused(id); setOpen(!desk.readOnly); setActive(-1); }} onBlur={() => { setHere(false); setOpen(false); flush(); }}
          onDragOver={(event) => { if (event.dataTransfer.types.includes(DRAGGED)) event.preventDefault(); }} onDrop={drop} />
        {showsChip ? <span className={`val is-above${told.isGone ? " is-gone" : ""}`} aria-hidden="true"><Icon size={12} />{told.label}</span> : null}
      </div>
      {hasList ? (
        <ValueList id={`${id}l`} choices={choices} active={active} pick={pick} query={query}>
          {offersText ? (
            <div role="option" id={`${id}l-${choices.length}`} aria-selected={active === choices.length} className="ins-option" onPointerDown={(event) => { event.preventDefault(); pick({ isText: true }); }}>
              Use the text “{draft.trim()}”
            </div>
          ) : null}
        </ValueList>
      ) : null}
    </div>
  );
}
