// A menu of actions under a button: arrow keys move, Escape closes, the focus comes back.
import { useEffect, useRef, useState } from "react";
import { ClipboardPaste, Copy, Download, FileInput, Group, History, Keyboard, LayoutTemplate, Pencil, Search, StickyNote, WandSparkles } from "lucide-react";

const entries = (work) => [
  [Pencil, "Rename", "", () => work.setDialog({ name: "rename" })],
  [Search, "Find a step or a text", "Ctrl+F", () => work.setPanel({ name: "find" })],
  [WandSparkles, "Tidy up", "T", () => work.tidy()],
  [StickyNote, "Add a note", "Shift+N", () => work.addNote()],
  [Group, "Name a group of steps", "Ctrl+G", () => work.group()],
  null,
  [Copy, "Copy everything as text", "", () => { work.selectAll(); setTimeout(() => window.document.execCommand("copy"), 50); }],
  [ClipboardPaste, "Import from a file or text", "", () => work.setDialog({ name: "import" })],
  [LayoutTemplate, "Start from a template", "", () => work.setDialog({ name: "templates" })],
  [History, "Versions", "", () => work.setDialog({ name: "publish", start: "versions" })],
  [Download, "Save as a file", "", () => saveFile(work.state)],
  null,
  [Keyboard, "All keys", "?", () => work.setDialog({ name: "keys" })],
];

function saveFile(state) {
  const link = window.document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(state.document, null, 2)], { type: "application/json" }));
  link.download = `${state.slug}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function Menu({ work, label, icon: Icon }) {
  const [isOpen, setOpen] = useState(false), list = useRef(null), opener = useRef(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    list.current.querySelector("button").focus();
    const away = (event) => { if (!list.current?.contains(event.target) && !opener.current.contains(event.target)) setOpen(false); };
    window.document.addEventListener("pointerdown", away);
    return () => window.document.removeEventListener("pointerdown", away);
  }, [isOpen]);
  const onKeyDown = (event) => {
    const all = [...list.current.querySelectorAll("button")], at = all.indexOf(window.document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) { event.preventDefault(); all[(to + all.length) % all.length].focus(); }
    if (event.key === "Escape" || event.key === "Tab") { setOpen(false); opener.current.focus(); }
    event.stopPropagation();
  };
  return (
    <span className="menu-place">
      <button type="button" ref={opener} className="btn ghost ic sm" aria-label={label} aria-haspopup="menu" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}><Icon size={14} aria-hidden="true" /></button>
      {isOpen ? (
        <div className="menu" role="menu" ref={list} onKeyDown={onKeyDown}>
          {entries(work).map((entry, index) => (entry ? <Entry key={entry[1]} entry={entry} close={() => setOpen(false)} /> : <div key={index} className="sep" role="separator" />))}
        </div>
      ) : null}
    </span>
  );
}

function Entry({ entry: [Icon, word, keys, act], close }) {
  return <button type="button" role="menuitem" className="act" onClick={() => { close(); act(); }}><Icon size={16} aria-hidden="true" /><span className="sp">{word}</span>{keys ? <kbd>{keys}</kbd> : null}</button>;
}
