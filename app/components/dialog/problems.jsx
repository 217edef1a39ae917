// What is wrong with a workflow, as a list: all of it, each with its step and what to do.
import { CircleX, TriangleAlert } from "lucide-react";

export const counted = (number, one, many) => `${number || "No"} ${number === 1 ? one : many}`;

export function Problems({ problems, names = {}, onPick }) {
  if (!problems.length) return null;
  const sorted = [...problems].sort((a, b) => (a.severity === "error" ? 0 : 1) - (b.severity === "error" ? 0 : 1));
  return <ul className="problem-list" data-testid="problems">{sorted.map((problem, index) => <Line key={index} problem={problem} name={names[problem.node] ?? problem.node} onPick={onPick} />)}</ul>;
}

function Line({ problem, name, onPick }) {
  const isError = problem.severity === "error", Icon = isError ? CircleX : TriangleAlert;
  const where = name && (onPick ? <button type="button" className="linkish" onClick={() => onPick(problem.node)}>{name}</button> : <b>{name}</b>);
  return (
    <li className={isError ? "failed" : "waiting"}>
      <Icon size={16} aria-hidden="true" />
      <div className="sp"><p><span className="sr">{isError ? "Problem: " : "Noticed: "}</span>{where}{where ? ": " : ""}{problem.message}</p>{problem.hint ? <p className="mut t12">{problem.hint}</p> : null}</div>
    </li>
  );
}
