// The browser looks for the anchor of an address once; what only some may see comes later, and what stands above it grows.
import { useEffect, useRef } from "react";
import { useLocation } from "react-router";

const HANDS = ["wheel", "pointerdown", "keydown", "touchstart"];

export function Arrival() {
  const ref = useRef(null), { hash } = useLocation();
  useEffect(() => {
    if (!hash) return undefined;
    const whole = ref.current.parentElement;
    const bring = () => document.getElementById(decodeURIComponent(hash.slice(1)))?.scrollIntoView();
    const growing = new ResizeObserver(bring);
    // Whoever takes hold of the page goes where they like.
    const letGo = () => { growing.disconnect(); HANDS.forEach((name) => window.removeEventListener(name, letGo)); };
    growing.observe(whole);
    HANDS.forEach((name) => window.addEventListener(name, letGo, { passive: true }));
    return letGo;
  }, [hash]);
  return <span ref={ref} hidden />;
}
