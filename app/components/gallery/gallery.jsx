// The workflows to start from: a card each, which becomes a draft of one's own.
import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { Sketch } from "./sketch.jsx";
import { rest, restAll } from "../rest/rest.js";
import "./gallery.css";

export function Gallery() {
  const [all, setAll] = useState(null), [error, setError] = useState(null), [busy, setBusy] = useState("");
  const navigate = useNavigate();
  useEffect(() => {
    let isOver = false;
    Promise.all([restAll("/templates"), restAll("/kinds")]).then(([templates, kinds]) => {
      if (!isOver) (templates.error ?? kinds.error) ? setError(templates.error ?? kinds.error) : setAll({ templates: templates.body, kinds: kinds.body });
    });
    return () => { isOver = true; };
  }, []);
  const use = async (slug) => {
    setBusy(slug);
    const { body, error: refused } = await rest("POST", `/templates/${slug}/workflows`);
    setBusy("");
    if (refused) setError(refused);
    else navigate(`/workflows/${body.id}`);
  };
  return (
    <div className="col g12">
      {error ? <p role="alert" className="failed told">{error.message} {error.hint}</p> : null}
      <ul className="gallery" data-testid="gallery" aria-busy={!all && !error}>
        {(all?.templates ?? []).map((template) => <Card key={template.slug} template={template} kinds={all.kinds} busy={busy !== ""} onUse={() => use(template.slug)} />)}
      </ul>
    </div>
  );
}

function Card({ template, kinds, busy, onUse }) {
  return (
    <li className="card tpl" data-row="template">
      <Sketch document={template.document} kinds={kinds} />
      <h3>{template.name}</h3>
      <p className="mut t12 sp">{template.description}</p>
      <button type="button" className="btn sm" disabled={busy} onClick={onUse} aria-label={`Use ${template.name}`}>Use</button>
    </li>
  );
}
