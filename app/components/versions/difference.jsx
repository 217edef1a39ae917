// What changes between two states of a workflow: in sentences, or as a drawing.
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { CirclePlus, CircleMinus, PencilLine } from "lucide-react";
import { counted } from "../dialog/problems.jsx";
import { rest, restAll } from "../rest/rest.js";
import { union } from "./union.js";
import { wordsDiff } from "./words_diff.js";

const Drawing = lazy(() => import("../drawing/drawing.jsx").then((all) => ({ default: all.Drawing })));
const MARKS = { added: ["done", "New", CirclePlus], removed: ["failed", "Gone", CircleMinus], changed: ["accent", "Changed", PencilLine] };

/** `from` and `to`: draft, live or a version's number. `draft`: the document in the builder, else it is asked for. `tell` hears the difference. */
export function Difference({ workflow, from, to, draft, dark, tell }) {
  const [found, setFound] = useState(null), [isDrawn, setDrawn] = useState(false);
  useEffect(() => {
    let isOver = false;
    setFound(null);
    rest("GET", `/workflows/${workflow}/diff?from=${from}&to=${to}`).then((answer) => {
      if (isOver) return;
      setFound(answer);
      tell?.(answer.body ?? null);
    });
    return () => { isOver = true; };
  }, [workflow, from, to]);
  if (!found) return <p className="mut" aria-busy="true">Comparing …</p>;
  if (found.error) return <p role="alert">{found.error.message} {found.error.hint}</p>;
  const difference = found.body;
  if (difference.is_same) return <p className="mut" data-testid="same">There is no difference.</p>;
  return (
    <div className="col g12" data-testid="difference">
      <div className="row">
        <span className="mut sp">{summary(difference)}</span>
        <div className="seg" role="group" aria-label="Show the changes">
          <button type="button" aria-pressed={!isDrawn} onClick={() => setDrawn(false)}>In words</button>
          <button type="button" aria-pressed={isDrawn} onClick={() => setDrawn(true)}>As a drawing</button>
        </div>
      </div>
      {isDrawn ? <Drawn workflow={workflow} difference={difference} draft={draft} dark={dark} /> : <Words difference={difference} />}
    </div>
  );
}

function summary({ nodes, moved }) {
  const number = (mark) => Object.values(nodes).filter((one) => one === mark).length;
  const parts = [["added", "new"], ["removed", "gone"], ["changed", "changed"]].map(([mark, word]) => [number(mark), word]).filter(([many]) => many);
  const told = parts.map(([many, word]) => `${counted(many, "step", "steps")} ${word}`);
  if (moved) told.push(`${counted(moved, "step", "steps")} moved, which changes nothing in how it runs`);
  return told.length ? `${told.join(", ")}.` : "The steps are the same.";
}

function Words({ difference }) {
  return (
    <ul className="sections">
      {difference.sections.map((section, index) => {
        const [tone, word, Icon] = MARKS[section.mark];
        return (
          <li key={index}>
            <div className="row"><h3 className="el">{section.title}</h3><span className={`bd ${tone}`}><Icon size={14} aria-hidden="true" />{word}</span></div>
            <ul className="changes">{section.changes.map((change, at) => <li key={at}><p>{change.text}</p><Texts {...change} /></li>)}</ul>
          </li>
        );
      })}
    </ul>
  );
}

function Texts({ before, after }) {
  const parts = useMemo(() => (before && after ? wordsDiff(before, after) : null), [before, after]);
  if (!before && !after) return null;
  if (!parts) return <div className="texts">{before ? <del>{before}</del> : null}{after ? <ins>{after}</ins> : null}</div>;
  return (
    <div className="texts">
      {parts.map((part, index) => (part.mark === "added" ? <ins key={index}>{part.text}</ins> : part.mark === "removed" ? <del key={index}>{part.text}</del> : <span key={index}>{part.text}</span>))}
    </div>
  );
}

function Drawn({ workflow, difference, draft, dark }) {
  const [both, setBoth] = useState(null);
  useEffect(() => {
    let isOver = false;
    const all = [documentOf(workflow, difference.before, draft), documentOf(workflow, difference.after, draft), restAll("/kinds")];
    Promise.all(all).then(([before, after, kinds]) => {
      if (!isOver) setBoth({ before, after, kinds: kinds.body ?? [] });
    });
    return () => { isOver = true; };
  }, [workflow, difference, draft]);
  const shown = useMemo(() => both && union(both.before, both.after, difference), [both, difference]);
  if (!shown) return <p className="mut">Drawing …</p>;
  return (
    <div className="drawn" data-testid="drawn">
      <Suspense fallback={null}>
        <Drawing document={shown.document} diffs={shown.diffs} taken={shown.taken} kinds={both.kinds} dark={dark} mini={false} label="What changes, as a drawing" />
      </Suspense>
    </div>
  );
}

// `state` as the difference calls it: nothing, draft, version 3.
async function documentOf(workflow, state, draft) {
  if (state === "nothing") return null;
  if (state === "draft") return draft ?? (await rest("GET", `/workflows/${workflow}`)).body?.document ?? null;
  return (await rest("GET", `/workflows/${workflow}/versions/${state.replace("version ", "")}`)).body?.document ?? null;
}
