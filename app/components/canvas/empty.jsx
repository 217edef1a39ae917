// A workflow without steps: what sets it off is the first thing to say.
import { useEffect, useRef } from "react";
import { CalendarClock, FileInput, LayoutTemplate, Play, Plus, Webhook } from "lucide-react";
import { focusStep } from "./actions.js";
import { TrackDrawing } from "./marks.jsx";
import { make } from "./first.js";

const CHOICES = [
  { name: "message", icon: Webhook, title: "Another system sends something", text: "A message, an order, a form: it arrives at an address of this workflow" },
  { name: "schedule", icon: CalendarClock, title: "On a schedule", text: "Every weekday at 07:00, to begin with; change it in the settings" },
  { name: "button", icon: Play, title: "Someone presses a button", text: "You or a colleague starts it by hand" },
];

export function EmptyCanvas({ work }) {
  const first = useRef(null);
  const choose = (name) => { const { ops, select } = make(name, work.state); work.change(ops, "Add the first step"); work.select([select]); focusStep(select); setTimeout(work.showFirst, 60); };
  useEffect(() => {
    first.current?.focus();
    const key = (event) => { const choice = CHOICES[Number(event.key) - 1]; if (choice && !event.target.closest("input,textarea,dialog")) choose(choice.name); };
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, []);
  return (
    <div className="over first" data-testid="empty-canvas">
      <TrackDrawing />
      <h1 className="t20 b">What sets this work off?</h1>
      <p className="mut t14">Choose the first step. Nothing runs and nothing costs money until you press Try or Publish.</p>
      <button type="button" className="btn pri big" ref={first} onClick={() => choose("button")} data-testid="add-first"><Plus size={18} aria-hidden="true" />Add the first step</button>
      <div className="options">
        {CHOICES.map(({ name, icon: Icon, title, text }, index) => (
          <button key={name} type="button" className="opt" onClick={() => choose(name)}>
            <span className="tile l"><Icon size={18} aria-hidden="true" /></span><span className="sp"><span className="b">{title}</span><span className="mut t12">{text}</span></span><kbd>{index + 1}</kbd>
          </button>
        ))}
      </div>
      <div className="row g16">
        <button type="button" className="link" onClick={() => work.setDialog({ name: "templates" })}><LayoutTemplate size={14} aria-hidden="true" />Start from a template</button>
        <button type="button" className="link" onClick={() => work.setDialog({ name: "import" })}><FileInput size={14} aria-hidden="true" />Import a file</button>
      </div>
    </div>
  );
}
