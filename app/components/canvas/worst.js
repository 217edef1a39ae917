// The most that a run of the draft can use: `{bounds, seconds}`; the server tells it with every answer about the draft.
const DEFAULT_S = 3600;

export const worstOf = ({ worst, document }) => ({ bounds: worst ?? null, seconds: Number(document.limits?.seconds) || DEFAULT_S });
