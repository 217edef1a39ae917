// What is wrong with a workflow, as a list: all of it, each with its step and what to do.
import { CircleX, TriangleAlert } from "lucide-react";
import { pieces } from "../drawing/plain.js";

export const counted = (number, one, many) => `${number || "No"} ${number === 1 ? one : many}`;

export function Problems({ problems, document, onPick }) {
  if (!problems.length) return null;
  const nodes = new Map((document?.nodes ?? []).filter((node) => node?.id).map((node) => [node.id, node]));
  const sorted = [...problems].sort((a, b) => (a.severity === "error" ? 0 : 1) - (b.severity === "error" ? 0 : 1));
  return <ul className="problem-list" data-testid="problems">{sorted.map((problem, index) => <Line key={index} problem={problem} node={nodes.get(problem.node)} onPick={onPick} />)}</ul>;
}

function Line({ problem, node, onPick }) {
  const isError = problem.severity === "error", Icon = isError ? CircleX : TriangleAlert, name = node?.title || problem.node;
  const where = name && (onPick ? <button type="button" className="linkish" onClick={() => onPick(problem.node)}>{name}</button> : <b>{name}</b>);
  return (
    <li className={isError ? "failed" : "waiting"}>
      <Icon size={16} aria-hidden="true" />
      <div className="sp"><p><span className="sr">{isError ? "Problem: " : "Noticed: "}</span>{where}{where ? ": " : ""}<Said text={problem.message} node={node} /></p>{problem.hint ? <p className="mut t12"><Said text={problem.hint} node={node} /></p> : null}</div>
    </li>
  );
}

// Names that stand in the document stand out as such.
const Said = ({ text, node }) => pieces(text, node).map((piece, index) => (piece.name !== undefined ? <code key={index}>{piece.name}</code> : piece.way ? `“${piece.way}”` : piece.text));
