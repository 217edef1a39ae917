// Buttons on the canvas: for the whole at the lower left, for what is selected at the top.
import { AlignCenterVertical, AlignStartHorizontal, AlignStartVertical, AlignVerticalSpaceAround, CopyPlus, Group, Keyboard, Search, StickyNote, Trash2, WandSparkles } from "lucide-react";
import { IconButton } from "./marks.jsx";

export function Tools({ work }) {
  return (
    <div className="react-flow__panel tools" role="toolbar" aria-label="Canvas">
      {work.canEdit ? <><IconButton icon={WandSparkles} label="Tidy up" keys="T" onClick={work.tidy} /><IconButton icon={StickyNote} label="Add a note" keys="Shift+N" onClick={() => work.addNote()} /></> : null}
      <IconButton icon={Search} label="Find" keys="Ctrl+F" onClick={() => work.setPanel({ name: "find" })} />
      <IconButton icon={Keyboard} label="All keys" keys="?" onClick={() => work.setDialog({ name: "keys" })} />
    </div>
  );
}

export function Arrange({ work }) {
  const { nodes } = work.selected;
  if (nodes.size < 2 || !work.canEdit) return null;
  return (
    <div className="react-flow__panel arrange" role="toolbar" aria-label="Selected steps" data-testid="arrange">
      <span className="md">{nodes.size} selected</span>
      <IconButton icon={AlignStartVertical} label="Align at the left" onClick={() => work.align("left")} />
      <IconButton icon={AlignCenterVertical} label="Align at the middle" onClick={() => work.align("center")} />
      <IconButton icon={AlignStartHorizontal} label="Align at the top" onClick={() => work.align("top")} />
      <IconButton icon={AlignVerticalSpaceAround} label="Same gaps from top to bottom" onClick={() => work.align("spread")} />
      <IconButton icon={Group} label="Name as a group" keys="Ctrl+G" onClick={work.group} />
      <IconButton icon={CopyPlus} label="Duplicate" keys="Ctrl+D" onClick={work.duplicate} />
      <IconButton icon={Trash2} label="Delete" keys="Delete" onClick={work.removeSelected} />
    </div>
  );
}
