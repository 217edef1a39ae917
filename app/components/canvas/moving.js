// Whether a run can still go on by itself or by a decision.
export const isMoving = (run) => Boolean(run) && ["queued", "running", "waiting"].includes(run.status);
