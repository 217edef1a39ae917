// What is said of tools: what a call does, where its results come from, where its arguments go.

export const EFFECTS = {
  pure: { word: "It only works something out", told: "The same arguments always give the same result." },
  idempotent: { word: "It only reads", told: "Or a second call changes nothing more. It is called again after a lost connection." },
  reconcilable: { word: "It changes something, and the service can be asked whether it did", told: "A person is asked before each call, unless an agent is allowed to go on." },
  unsafe: { word: "It changes something", told: "A second call would do it again, so it is never repeated by itself. A person is asked before each call, unless an agent is allowed to go on." },
};
export const isWriting = (effect) => effect === "unsafe" || effect === "reconcilable";

export const ORIGINS = {
  private: { word: "They may hold private data", told: "A person is asked before an agent that has seen them tells anything to others." },
  external: { word: "They are written by others", told: "Such as messages or web pages: what they ask for is never taken as an order." },
};

export const CARRIES = [
  { value: null, word: "If it changes something" },
  { value: true, word: "Yes" },
  { value: false, word: "No, it stays in the house" },
];
